"""What is wrong with the disks and the clock is told, and goes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.service.jumps import WallClock
from postroom.service.lookout import Lookout
from postroom.service.space import Space
from postroom.store.store import SqlStore
from tests.service.test_jumps import DAY, Machine
from tests.service.test_space import settings
from tests.store.samples import with_store

MEGABYTE = 1024**2


@dataclass
class Tower:
    """A lookout over a machine, and what came of it."""

    store: SqlStore
    machine: Machine = field(default_factory=Machine)
    free: dict[str, int] = field(
        default_factory=lambda: {"/state": 999 * MEGABYTE, "/maildirs/isp": 999 * 2**20}
    )
    went_on: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def lookout(self) -> Lookout:
        """Who looks again at once."""
        space = Space(settings, lambda folder: self.free[str(folder)])
        wall = WallClock(self.machine)
        return Lookout(self.store, space, wall, self._go_on, pause=0.01)

    def _go_on(self, account: str) -> None:
        self.went_on.append(account)
        self.news.set()

    async def notices(self) -> dict[str, str]:
        """What `status` is to tell."""
        summary = await self.store.summary()
        return {each.name: each.text for each in summary.notices}


Watching = Callable[[Callable[[Tower], Awaitable[None]]], None]


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    """Does something in a tower."""

    def run(steps: Callable[[Tower], Awaitable[None]]) -> None:
        async def work(store: SqlStore) -> None:
            async with asyncio.timeout(20):
                await steps(Tower(store))

        with_store(tmp_path / "postroom.db", work)

    return run


def test_without_room_nothing_is_fetched_until_there_is(watching: Watching) -> None:
    async def steps(tower: Tower) -> None:
        lookout = tower.lookout()
        assert await lookout.may_fetch("isp")
        assert await tower.notices() == {}
        tower.free["/maildirs/isp"] = MEGABYTE
        assert not await lookout.may_fetch("isp")
        assert await lookout.may_fetch("home")
        assert "/maildirs/isp" in (await tower.notices())["disk"]
        assert len(lookout.shortages) == 1
        looking = asyncio.create_task(lookout.run(lambda: None))
        tower.free["/maildirs/isp"] = 999 * MEGABYTE
        await tower.news.wait()
        assert await lookout.may_fetch("isp")
        assert await tower.notices() == {}
        assert tower.went_on == ["isp"]
        looking.cancel()

    watching(steps)


def test_an_account_that_is_gone_is_short_of_nothing(watching: Watching) -> None:
    async def steps(tower: Tower) -> None:
        lookout = tower.lookout()
        tower.free["/state"] = 0
        assert not await lookout.may_fetch("home")
        lookout.forget("home")
        assert lookout.shortages == ()

    watching(steps)


def test_a_clock_that_is_set_is_told_of_and_followed(watching: Watching) -> None:
    async def steps(tower: Tower) -> None:
        lookout, followed = tower.lookout(), asyncio.Event()
        looking = asyncio.create_task(lookout.run(followed.set))
        tower.machine.pass_by(timedelta(days=2))
        assert await lookout.may_fetch("home")
        assert not followed.is_set()
        tower.machine.wall -= DAY
        await followed.wait()
        assert "nothing expires" in (await tower.notices())["clock"]
        tower.machine.pass_by(timedelta(hours=1))
        assert await lookout.may_fetch("home")
        assert await tower.notices() == {}
        looking.cancel()

    watching(steps)


def test_what_an_earlier_run_told_is_taken_away(watching: Watching) -> None:
    async def steps(tower: Tower) -> None:
        await tower.store.notice("disk", "it was full")
        await tower.store.notice("clock", "it was wrong")
        assert await tower.lookout().may_fetch("home")
        assert await tower.notices() == {}

    watching(steps)
