"""The store of a daemon is kept small, and nothing is forgotten by a wrong clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postroom.config.settings import PostroomTable
from postroom.ports import DeliveryState
from postroom.rules.effects import Send
from postroom.service.housekeeping import Housekeeper
from postroom.service.jumps import WallClock
from postroom.store.database import open_store
from postroom.store.dialects import LOG_KEPT
from postroom.store.store import SqlStore
from postroom.store.upkeep import measure
from postroom.store.waymark import read_waymark
from tests.store.samples import (
    StillClock,
    decide,
    deliver,
    message,
    outgoing,
    plan,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is to be."""
    return tmp_path / "state" / "postroom.db"


Steps = Callable[[Housekeeper, SqlStore], Awaitable[None]]


class SettableClock(StillClock):
    """A clock whose hands can be moved."""

    moved = timedelta(0)

    def now(self) -> datetime:
        """The time, and what the hands were moved."""
        return super().now() + self.moved


def keep_house(path: Path, clock: StillClock, steps: Steps) -> None:
    """Take steps where an old content is in the store."""

    async def run() -> None:
        async with open_store(path, clock=clock) as store:
            await decide(store, (message(1), plan("k", Send(outgoing()))))
            due = await store.due(clock.now(), 1)
            await deliver(store, due, DeliveryState.DELIVERED)
            table = PostroomTable(state=path.parent)
            await steps(Housekeeper(store, path, lambda: table, clock), store)

    asyncio.run(run())


async def is_kept(store: SqlStore) -> bool:
    """True while the octets are there."""
    return bool((await store.show_delivery(1)).header)


def test_what_is_old_is_forgotten_once_a_day(path: Path) -> None:
    clock = StillClock()

    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        for _ in range(14):
            clock.forward(days=1)
            await keeper.look_after()
            assert await is_kept(store)
        clock.forward(hours=23)
        await keeper.look_after()
        assert await is_kept(store)
        clock.forward(hours=1)
        await keeper.look_after()
        assert not await is_kept(store)

    keep_house(path, clock, steps)


def test_by_a_clock_that_was_set_nothing_is_forgotten(path: Path) -> None:
    """Not until a time passed in which it went right."""
    clock = SettableClock()

    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        keeper.may_expire = WallClock(clock).may_expire
        clock.forward(days=1)
        clock.moved = timedelta(days=1000)
        await keeper.look_after()
        assert await is_kept(store)
        clock.moved = timedelta(0)
        clock.forward(minutes=10)
        await keeper.look_after()
        assert await is_kept(store)

    keep_house(path, clock, steps)


@pytest.mark.parametrize("may", [True, False])
def test_nothing_is_forgotten_while_it_may_not_be(path: Path, may: bool) -> None:
    clock = StillClock()

    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        keeper.may_expire = lambda: may
        clock.forward(days=15)
        await keeper.look_after()
        assert await is_kept(store) is not may

    keep_house(path, clock, steps)


def test_how_far_the_store_has_come_stands_beside_it(path: Path) -> None:
    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        await keeper.open()
        first = read_waymark(path)
        await store.note_arrived([message(2)])
        await keeper.look_after()
        last = read_waymark(path)
        assert first
        assert last
        assert last.is_beyond(first)

    keep_house(path, StillClock(), steps)


def test_a_large_log_is_emptied(path: Path) -> None:
    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        large = Send(outgoing(content=b"x" * 6_000_000))
        await decide(store, (message(2), plan("l", large)))
        assert measure(path).log > 6_000_000
        await keeper.look_after()
        assert measure(path).log <= LOG_KEPT

    keep_house(path, StillClock(), steps)


def test_what_the_settings_keep_may_change_without_a_restart(path: Path) -> None:
    clock = StillClock()

    async def steps(keeper: Housekeeper, store: SqlStore) -> None:
        clock.forward(days=2)
        await keeper.look_after()
        assert await is_kept(store)
        shorter = keeper.table().model_copy(update={"keep_content": timedelta(days=1)})
        keeper.table = lambda: shorter
        clock.forward(days=2)
        await keeper.look_after()
        assert not await is_kept(store)

    keep_house(path, clock, steps)
