"""The part of the store for its own keeping: each method one transaction, but for what
is forgotten, which is done in small ones."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from postroom.ports import Restored
from postroom.store import erasure, restoring, retention, waymark
from postroom.store.erasure import Traces
from postroom.store.retention import Before, Old, Pruned
from postroom.store.transactions import Transactions
from postroom.store.upkeep import give_back
from postroom.store.waymark import Waymark
from postroom.store.writer import Unit


class KeepingStore(Transactions):
    """What is forgotten, erased, and known of the store itself."""

    # -- a store that was put back

    async def settle_restored(self, noted: Waymark | None) -> Restored | None:
        """Hold what would go out if the store was put back since it was last in use;
        None if it is as it was left."""
        now = self._clock.now()
        return await self._write(
            lambda connection: restoring.settle_restored(connection, noted, now),
            durable=True,
        )

    async def restored(self) -> Restored | None:
        """When the store was last put back, and how; None if it never was."""
        return await self._reader.read(restoring.last_restored)

    async def waymark(self) -> Waymark:
        """How far the store has come, and all up to there is synced to disk."""
        return await self._write(waymark.note_standing, durable=True)

    # -- what is forgotten

    async def prune(self, before: Before, most: int | None = None) -> Pruned:
        """Forget what is old, of so many messages and contents at most; and give free
        pages back, also those of earlier times."""
        pruned, last = Pruned(), 0
        while old := await self._find_old(before, last):
            pruned += await self._write(_forgetting(before, old))
            last = old.messages[-1] if old.messages else last
            if most and pruned.messages + pruned.contents >= most:
                return replace(pruned, more=True)
        while await self._write(give_back):
            pass
        return pruned

    async def _find_old(self, before: Before, last: int) -> Old:
        return await self._reader.read(
            lambda connection: retention.find_old(connection, before, last)
        )

    async def prunable(self, before: Before) -> Pruned:
        """What would be forgotten."""
        return await self._reader.read(
            lambda connection: retention.prunable(connection, before)
        )

    # -- what is erased

    async def traces(self, address: str) -> Traces:
        """Where an address stands."""
        return await self._reader.read(
            lambda connection: erasure.find_traces(connection, address)
        )

    async def erase(self, address: str) -> Traces:
        """Erase what is kept about an address; what that was. Raises `PermanentError`,
        and erases nothing, if there is something open about it."""
        traces = await self.traces(address)
        traces.require_closed()
        await self._write(
            lambda connection: erasure.erase(connection, address, traces.contents),
            durable=True,
        )
        return traces


def _forgetting(before: Before, old: Old) -> Unit[Pruned]:
    def forget(connection: Connection) -> Pruned:
        return retention.forget(connection, before, old)

    return forget
