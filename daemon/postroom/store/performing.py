"""The part of the store for what is carried out: each method one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from postroom.ports import EffectResult, Extent, OpenEffect, OpenPerform, PerformResult
from postroom.store import effects, performs
from postroom.store.transactions import Transactions


class PerformingStore(Transactions):
    """What is remembered of what is done in mailboxes and by plugins' actions."""

    # -- in mailboxes

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

    async def begin_effects(
        self, ids: Sequence[int], before: Extent | None = None
    ) -> None:
        """Record that these are being done, and their target's extent before that."""
        now = self._clock.now()
        await self._write(
            lambda connection: effects.begin_effects(connection, ids, now, before)
        )

    async def finish_effects(
        self, results: Sequence[EffectResult], left: Collection[int] = ()
    ) -> None:
        """Record results, and move their messages to `settled` and `acknowledged`; what
        was begun and is `left` to be done counts as never begun."""
        now, taken_back = self._clock.now(), tuple(left)

        def unit(connection: Connection) -> None:
            effects.take_back(connection, taken_back)
            effects.finish_effects(connection, results, now)

        await self._write(unit)

    # -- by plugins

    async def due_performs(
        self, now: datetime, limit: int, after: int = 0
    ) -> list[OpenPerform]:
        """Performs whose time has come, oldest first, behind that of number `after`;
        those that were begun and not ended as well."""
        return await self._reader.read(
            lambda connection: performs.due_performs(connection, now, limit, after)
        )

    async def next_perform(self) -> datetime | None:
        """When the next perform is due; None if none waits."""
        now = self._clock.now()
        return await self._reader.read(
            lambda connection: performs.next_perform(connection, now)
        )

    async def perform_content(self, id: int) -> bytes | None:
        """The octets that were kept for it, None where it needs none; `ContentError` if
        they are damaged."""
        return await self._reader.read(
            lambda connection: performs.perform_content(connection, id)
        )

    async def begin_perform(self, id: int) -> bool:
        """Record that one more attempt at it is begun; False, and nothing is recorded,
        for one that is not open any more."""
        now = self._clock.now()
        return await self._write(
            lambda connection: performs.begin_perform(connection, id, now)
        )

    async def finish_performs(
        self, results: Sequence[PerformResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the mailboxes whose held-back expunges may now go on."""
        now = self._clock.now()
        return await self._write(
            lambda connection: performs.finish_performs(connection, results, now)
        )
