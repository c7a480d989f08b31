"""Keeping an eye on the disks and the wall clock, for all who depend on them.

Invariant: what is wrong with them is told in the log and by `status` until it is over.
Fetching that was stopped goes on by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from postroom.errors import StoreUnavailable
from postroom.log import get_logger
from postroom.service.jumps import WallClock
from postroom.service.space import Space
from postroom.store.notes import CLOCK_WAS_SET
from postroom.store.store import SqlStore

log = get_logger()

# Whatever corrects a clock a little at a time is not told of.
_NOTICED = timedelta(seconds=5)
_DOUBTED = "the wall clock was set by some minutes or more: nothing expires for an hour"


@dataclass
class Lookout:
    """Looks at the disks and at the wall clock every `pause` seconds.

    `on_room` is told the account for which there is room again.
    """

    store: SqlStore
    space: Space
    wall: WallClock
    on_room: Callable[[str], None]
    pause: float = 15
    _short: dict[str, str] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _booted: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._booted = self.wall.booted()

    @property
    def shortages(self) -> tuple[str, ...]:
        """Where too little is free, as far as was seen."""
        return tuple(dict.fromkeys(filter(None, self._short.values())))

    async def run(self, on_set: Callable[[], None]) -> NoReturn:
        """Look again and again until cancelled; `on_set` is called when the wall clock
        was set."""
        known = self._booted
        while True:
            await self._look_at_clock()
            if abs(self._booted - known) > _NOTICED:
                on_set()
            known = self._booted
            for account in list(self._short):
                await self._look_at_disks(account)
            await self._tell("disk", "; ".join(self.shortages))
            await asyncio.sleep(self.pause)

    async def may_fetch(self, account: str) -> bool:
        """False while there is too little room for more mail of this account."""
        await self._look_at_clock()
        await self._look_at_disks(account)
        await self._tell("disk", "; ".join(self.shortages))
        return not self._short[account]

    def forget(self, account: str) -> None:
        """Look after the disks of an account no more."""
        self._short.pop(account, None)

    # -- insides -----------------------------------------------------------------------

    async def _look_at_disks(self, account: str) -> None:
        why = await self.space.shortage(account)
        before, self._short[account] = self._short.get(account, ""), why
        if why and not before:
            log.error("disk_short", account=account, reason=why)
        elif before and not why:
            log.info("disk_has_room", account=account)
            self.on_room(account)

    async def _look_at_clock(self) -> None:
        before, self._booted = self._booted, self.wall.booted()
        leap = self._booted - before
        if abs(leap) > _NOTICED:
            log.warning("clock_set", seconds=round(leap.total_seconds()))
        doubted = "" if self.wall.may_expire() else _DOUBTED
        await self._tell(CLOCK_WAS_SET, doubted)

    async def _tell(self, name: str, text: str) -> None:
        """Have `status` tell it, once the store takes it."""
        if self._told.get(name) == text:
            return
        try:
            await self.store.notice(name, text)
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=str(error))
        else:
            self._told[name] = text
