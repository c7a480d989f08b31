"""The store as the rest of postroom knows it: each method one transaction.

Invariant: what `commit`, `adopt`, `note_arrived`, `mark_sending`, `settle`, `hold` and
`release` recorded is synced to disk when they return; what the others recorded survives
the death of the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from postroom.mail.message import Message, MessageKey
from postroom.ports import (
    Clock,
    Cursor,
    Decision,
    NotSent,
    Ruleset,
    Sighting,
    WatchReport,
)
from postroom.store import (
    arrivals,
    cursors,
    deciding,
    ledger,
    maildrop_adopting,
    overview,
    renumbering,
    runs,
)
from postroom.store.collecting import CollectingStore
from postroom.store.desk import OwnerStore
from postroom.store.history import history
from postroom.store.identities import recognise
from postroom.store.keeping import KeepingStore
from postroom.store.noting import NotingStore
from postroom.store.performing import PerformingStore
from postroom.store.reader import Reader
from postroom.store.report import Handled, Summary
from postroom.store.sending import SendingStore
from postroom.store.voiding import void_uids
from postroom.store.writer import Writer


class SqlStore(
    SendingStore,
    PerformingStore,
    CollectingStore,
    NotingStore,
    OwnerStore,
    KeepingStore,
):
    """What postroom remembers, in a database; implements `ports.Store`."""

    def __init__(
        self, reader: Reader, writer: Writer | None, clock: Clock, version: str
    ) -> None:
        super().__init__(reader, writer, clock)
        self._version = version
        self._runs: list[int] = []

    # -- runs, accounts and cursors

    async def begin_run(self, mode: str, ruleset: Ruleset) -> int:
        """Note the start of a run (`live`, `sweep`, `undo`) under these rules."""
        now, version = self._clock.now(), self._version
        run = await self._write(
            lambda connection: runs.begin_run(connection, mode, ruleset, version, now)
        )
        self._runs.append(run)
        return run

    async def end_runs(self) -> None:
        """Note that the runs begun here came to their end."""
        now, ids = self._clock.now(), self._runs
        if ids:
            await self._write(lambda connection: runs.end_runs(connection, ids, now))

    async def recognise(self, identities: Mapping[str, str]) -> dict[str, str]:
        """Note the login of each account; the old names of those renamed, by the new
        ones."""
        return await self._write(lambda connection: recognise(connection, identities))

    async def cursor(self, account: str, mailbox: str) -> Cursor | None:
        """How far this mailbox has been read; None if never."""
        return await self._reader.read(
            lambda connection: cursors.read_cursor(connection, account, mailbox)
        )

    async def adopt(self, account: str, mailbox: str, cursor: Cursor) -> None:
        """Set the cursor without handling what lies before it."""

        def work(connection: Connection) -> None:
            cursors.set_cursor(connection, account, mailbox, cursor)
            maildrop_adopting.adopt(connection, account, mailbox, cursor)

        await self._write(work, durable=True)

    async def touch(self, account: str, mailbox: str, checked: datetime) -> None:
        """Note that the mailbox was looked at and held nothing new."""
        await self._write(
            lambda connection: cursors.touch(connection, account, mailbox, checked)
        )

    async def report_watch(self, report: WatchReport) -> None:
        """Note what a watcher is at; the last report of each mailbox is kept."""
        await self._write(lambda connection: cursors.report_watch(connection, report))

    # -- the ledger

    async def see(
        self, messages: Sequence[Message], listed: datetime
    ) -> dict[MessageKey, Sighting]:
        """Record that deciding these is begun, and tell what is known of them.

        `listed` is when the mailbox was listed, before anything was done to it.
        """
        now = self._clock.now()
        return await self._write(
            lambda connection: arrivals.see(connection, messages, listed, now)
        )

    async def begin_again(self, key: MessageKey) -> int:
        """Count one more attempt at deciding a `seen` message."""
        now = self._clock.now()
        return await self._write(
            lambda connection: arrivals.begin_again(connection, key, now)
        )

    async def take_back(self, keys: Sequence[MessageKey]) -> None:
        """Take back the last attempt at those that are still `seen`."""
        now = self._clock.now()
        await self._write(lambda connection: arrivals.take_back(connection, keys, now))

    async def unknown(self, messages: Sequence[Message]) -> frozenset[MessageKey]:
        """Those of which nothing is known, and those that were noted as held."""
        return await self._reader.read(
            lambda connection: arrivals.unknown(connection, messages)
        )

    async def note_arrived(self, messages: Sequence[Message], held: str = "") -> None:
        """Record these as `seen`, no attempt begun; `held` is why what would go out of
        them waits."""
        now = self._clock.now()
        await self._write(
            lambda connection: arrivals.note_arrived(connection, messages, held, now),
            durable=True,
        )

    async def carry_over(
        self, account: str, mailbox: str, messages: Sequence[Message]
    ) -> int:
        """Have what is not finished under earlier UIDVALIDITYs go on here; for how
        many."""
        return await self._write(
            lambda connection: renumbering.carry_over(
                connection, account, mailbox, messages
            )
        )

    async def give_up_before(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> None:
        """Fail what is still open under other UIDVALIDITYs, and finish its messages."""
        now = self._clock.now()
        await self._write(
            lambda connection: renumbering.give_up_before(
                connection, account, mailbox, uidvalidity, now
            )
        )

    async def void_uids(self, account: str, mailbox: str) -> None:
        """Keep what is known under the mailbox's UIDVALIDITY under one of no server."""
        await self._write(lambda connection: void_uids(connection, account, mailbox))

    async def undecided(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[int]:
        """UIDs of `seen` messages at or below the cursor, ascending."""
        return await self._reader.read(
            lambda connection: ledger.undecided(
                connection, account, mailbox, uidvalidity
            )
        )

    async def mark_gone(self, keys: Sequence[MessageKey]) -> None:
        """Record that these are no longer on the server."""
        now = self._clock.now()
        await self._write(lambda connection: ledger.mark_gone(connection, keys, now))

    async def commit(
        self, run: int, decisions: Sequence[Decision], cursor: Cursor | None
    ) -> tuple[NotSent, ...]:
        """Record plans, effects, outgoing mail and the cursor, all or nothing; what is
        not sent, since its window is taken."""
        now = self._clock.now()
        return await self._write(
            lambda connection: deciding.commit(connection, run, decisions, cursor, now),
            durable=True,
        )

    # -- reports

    async def summary(self, troubles: int = 10) -> Summary:
        """How things stand: counts by state, cursors, and the latest troubles."""
        return await self._reader.read(
            lambda connection: overview.summary(connection, troubles)
        )

    async def history(self, limit: int = 20) -> list[Handled]:
        """The messages that something was last done about, newest first."""
        return await self._reader.read(lambda connection: history(connection, limit))
