"""Keeping the store: what is old is forgotten, its log stays small, and how far it has
come stands beside it.

Invariant: nothing is forgotten by a clock that may be wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from postroom.config.settings import PostroomTable
from postroom.errors import TemporaryError
from postroom.log import get_logger
from postroom.ports import Clock
from postroom.service.jumps import always
from postroom.store.dialects import LOG_KEPT
from postroom.store.retention import Before
from postroom.store.store import SqlStore
from postroom.store.upkeep import empty_log, measure
from postroom.store.waymark import read_waymark, write_waymark

if TYPE_CHECKING:  # whoever has one has loaded it
    from postroom.service.timetable import Timetable

log = get_logger()

_INTERVAL = timedelta(minutes=10)
_DAY = timedelta(days=1)
# A log of so many octets: somebody has been reading for too long.
_LARGE_LOG = 256 * 1024**2


@dataclass
class Housekeeper:
    """Looks after the store of a daemon, at intervals, and once a day all that is old.

    It goes by the `table` of the settings as it is at the time. Nothing is forgotten
    while `may_expire` says no: the wall clock may be wrong.
    """

    store: SqlStore
    path: Path
    table: Callable[[], PostroomTable]
    clock: Clock
    may_expire: Callable[[], bool] = always
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._pruned = self.clock.monotonic()

    async def open(self) -> None:
        """See whether the store is the one that was last in use; if not, what may have
        gone out since is held."""
        restored = await self.store.settle_restored(read_waymark(self.path))
        if restored:
            log.error("store_restored", reason=restored.reason)
        await self.note_standing()

    async def run(self, timetable: Timetable) -> NoReturn:
        """Look after the store whenever the bell rings, until cancelled."""
        with timetable.ringing(_INTERVAL, self.ring):
            while True:
                await self.bell.wait()
                self.bell.clear()
                try:
                    await self.look_after()
                except TemporaryError as error:
                    log.warning("store_not_kept", error=str(error))

    async def ring(self) -> None:
        """Have the store looked after now."""
        self.bell.set()

    async def look_after(self) -> None:
        """Note how far the store has come, and keep it small."""
        await self.note_standing()
        is_due = self.clock.monotonic() - self._pruned >= _DAY.total_seconds()
        if is_due and self.may_expire():
            await self._prune()
        await asyncio.to_thread(self._empty_log)

    async def note_standing(self) -> None:
        """Note beside the store how far it has come."""
        mark = await self.store.waymark()
        try:
            await asyncio.to_thread(write_waymark, self.path, mark)
        except OSError as error:
            log.warning("store_not_kept", error=str(error))

    async def _prune(self) -> None:
        self._pruned = self.clock.monotonic()
        pruned = await self.store.prune(old_before(self.table(), self.clock))
        counts = {"messages": pruned.messages, "contents": pruned.contents}
        log.info("store_pruned", **counts, octets=pruned.octets)

    def _empty_log(self) -> None:
        size = measure(self.path).log
        if size > LOG_KEPT and not empty_log(self.path) and size > _LARGE_LOG:
            log.warning("store_log_grows", octets=size)


def old_before(table: PostroomTable, clock: Clock) -> Before:
    """Since when is kept what is done with, by these settings."""
    now = clock.now()
    return Before(content=now - table.keep_content, ledger=now - table.keep_ledger)
