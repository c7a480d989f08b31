"""The part of the store that a performer works with: each method one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postroom.ports import OpenPerform, PerformResult
from postroom.store import performs
from postroom.store.transactions import Transactions


class PerformingStore(Transactions):
    """What is remembered of what plugins' actions carry out."""

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
