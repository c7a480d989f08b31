"""The store as the rest of postroom knows it: each method one transaction.

Invariant: what `commit`, `adopt`, `mark_sending` and `settle` recorded is synced to
disk when they return; what the others recorded survives the death of the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postroom.errors import StoreError
from postroom.mail.envelope import Outgoing
from postroom.mail.message import Message, MessageKey
from postroom.ports import (
    Clock,
    Cursor,
    Decision,
    DeliveryResult,
    DueDelivery,
    EffectResult,
    OpenEffect,
    RelayReport,
    Ruleset,
    Sighting,
    WatchReport,
)
from postroom.store import (
    cursors,
    deciding,
    effects,
    ledger,
    outbox,
    overview,
    renumbering,
    runs,
    settling,
)
from postroom.store.history import history
from postroom.store.reader import Reader, T
from postroom.store.report import Handled, Summary
from postroom.store.writer import Unit, Writer


class SqlStore:
    """What postroom remembers, in a database; implements `ports.Store`."""

    def __init__(
        self, reader: Reader, writer: Writer | None, clock: Clock, version: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._version = version
        self._runs: list[int] = []

    async def _write(self, unit: Unit[T], *, durable: bool = False) -> T:
        if self._writer is None:
            raise StoreError("the store was opened to be read only")
        return await self._writer.write(unit, durable=durable)

    # -- runs and cursors

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

    async def cursor(self, account: str, mailbox: str) -> Cursor | None:
        """How far this mailbox has been read; None if never."""
        return await self._reader.read(
            lambda connection: cursors.read_cursor(connection, account, mailbox)
        )

    async def adopt(self, account: str, mailbox: str, cursor: Cursor) -> None:
        """Set the cursor without handling what lies before it."""
        await self._write(
            lambda connection: cursors.set_cursor(connection, account, mailbox, cursor),
            durable=True,
        )

    async def touch(self, account: str, mailbox: str, checked: datetime) -> None:
        """Note that the mailbox was looked at and held nothing new."""
        await self._write(
            lambda connection: cursors.touch(connection, account, mailbox, checked)
        )

    async def report_watch(self, report: WatchReport) -> None:
        """Note what a watcher is at; the last report of each mailbox is kept."""
        await self._write(lambda connection: cursors.report_watch(connection, report))

    # -- the ledger

    async def report_relay(self, report: RelayReport) -> None:
        """Note how a relay is doing; the last report of each is kept."""
        await self._write(lambda connection: cursors.report_relay(connection, report))

    async def see(
        self, messages: Sequence[Message], listed: datetime
    ) -> dict[MessageKey, Sighting]:
        """Record that deciding these is begun, and tell what is known of them.

        `listed` is when the mailbox was listed, before anything was done to it.
        """
        now = self._clock.now()
        return await self._write(
            lambda connection: ledger.see(connection, messages, listed, now)
        )

    async def begin_again(self, key: MessageKey) -> int:
        """Count one more attempt at deciding a `seen` message."""
        now = self._clock.now()
        return await self._write(
            lambda connection: ledger.begin_again(connection, key, now)
        )

    async def take_back(self, keys: Sequence[MessageKey]) -> None:
        """Take back the last attempt at those that are still `seen`."""
        now = self._clock.now()
        await self._write(lambda connection: ledger.take_back(connection, keys, now))

    async def known(self, messages: Sequence[Message]) -> frozenset[MessageKey]:
        """Those that the same mailbox held, decided, under another UIDVALIDITY."""
        return await self._reader.read(
            lambda connection: ledger.known_elsewhere(connection, messages)
        )

    async def carry_over(
        self, account: str, mailbox: str, messages: Sequence[Message]
    ) -> int:
        """Have open effects of earlier UIDVALIDITYs done to these; to how many."""
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
    ) -> None:
        """Record plans, effects, outgoing mail and the cursor, all or nothing."""
        now = self._clock.now()
        await self._write(
            lambda connection: deciding.commit(connection, run, decisions, cursor, now),
            durable=True,
        )

    # -- effects

    async def open_effects(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[OpenEffect]:
        """Mailbox effects to be done now: by UID, each message's in their order.

        An expunge is among them once all else of its message is done.
        """
        return await self._reader.read(
            lambda connection: effects.open_effects(
                connection, account, mailbox, uidvalidity
            )
        )

    async def begin_effects(self, ids: Sequence[int]) -> None:
        """Record that these are being done."""
        now = self._clock.now()
        await self._write(
            lambda connection: effects.begin_effects(connection, ids, now)
        )

    async def finish_effects(self, results: Sequence[EffectResult]) -> None:
        """Record results, and move their messages to `settled` and `acknowledged`."""
        now = self._clock.now()
        await self._write(
            lambda connection: effects.finish_effects(connection, results, now)
        )

    # -- the outbox

    async def recover(self, now: datetime) -> int:
        """After a restart: settle what was past the final dot; how many that were."""
        return await self._write(
            lambda connection: settling.recover(connection, now), durable=True
        )

    async def due(
        self, now: datetime, limit: int, relay: str | None = None
    ) -> list[DueDelivery]:
        """Deliveries (of this relay) whose time has come, oldest first, grouped."""
        return await self._reader.read(
            lambda connection: outbox.due(connection, now, limit, relay)
        )

    async def next_due(self, relay: str | None = None) -> datetime | None:
        """When the next delivery (of this relay) is due; None if none waits."""
        now = self._clock.now()
        return await self._reader.read(
            lambda connection: outbox.next_due(connection, now, relay)
        )

    async def waiting_relays(self) -> dict[str, int]:
        """How many deliveries wait for each relay, by its name."""
        return await self._reader.read(outbox.waiting_relays)

    async def outgoing(self, outgoing_id: int) -> Outgoing:
        """The envelope and the exact bytes; `ContentError` if they are damaged."""
        return await self._reader.read(
            lambda connection: outbox.read_outgoing(connection, outgoing_id)
        )

    async def mark_sending(self, ids: Sequence[int]) -> None:
        """Record that the final dot is about to be sent."""
        now = self._clock.now()
        await self._write(
            lambda connection: outbox.mark_sending(connection, ids, now), durable=True
        )

    async def settle(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the mailboxes whose held-back expunges may now go on."""
        now = self._clock.now()
        return await self._write(
            lambda connection: settling.settle(connection, results, now), durable=True
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
