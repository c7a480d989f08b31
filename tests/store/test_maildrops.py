"""A maildrop has a UIDVALIDITY of its own, and gives no UID twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import Stored, as_maildrop
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import (
    ISP,
    RebootingClock,
    fetch,
    handle,
    listing,
    note_stored,
    octets,
    uids,
    waiting,
)
from tests.store.samples import NOON, with_store
from tests.store.test_durability import FULL, level_beside

ANN = as_maildrop("ann@pop.example.org")
DAY = timedelta(days=1)


async def nothing(store: SqlStore) -> None:
    """Only have the store made."""


def test_its_uidvalidity_is_the_second_in_which_it_was_met(path: Path) -> None:
    clock = RebootingClock()

    async def steps(store: SqlStore) -> None:
        drop = await store.maildrop(ISP)
        assert (drop.uidvalidity, drop.uidnext) == (int(NOON.timestamp()), 1)
        clock.forward(days=1)
        assert await store.maildrop(ISP) == drop

    with_store(path, steps, clock=clock)


def test_no_two_have_one_uidvalidity(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        noon = int(NOON.timestamp())
        found = [await store.maildrop(name) for name in ("a", "b", "c", "a")]
        assert [each.uidvalidity - noon for each in found] == [0, 1, 2, 0]

    with_store(path, steps)


def test_no_uidvalidity_is_0(path: Path) -> None:
    clock = RebootingClock()
    clock.set(days=-40_000)

    async def steps(store: SqlStore) -> None:
        assert (await store.maildrop(ISP)).uidvalidity == 1

    with_store(path, steps, clock=clock)


def test_uids_ascend_and_none_is_given_twice(path: Path) -> None:
    async def first(store: SqlStore) -> None:
        assert uids(await store.note_listing(ISP, listing("a", "b"))) == {1: 1, 2: 2}
        assert uids(await store.note_listing(ISP, listing("c"))) == {1: 3}
        assert (await store.maildrop(ISP)).uidnext == 4

    async def after_a_crash(store: SqlStore) -> None:
        told = uids(await store.note_listing(ISP, listing("d", "b", "a")))
        assert told == {1: 4, 2: 2, 3: 1}

    with_store(path, first)
    with_store(path, after_a_crash)


def test_accounts_do_not_know_each_others_messages(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        roll = await store.note_listing("other", listing("b"))
        assert (uids(roll), roll.items[1].stored) == ({1: 1}, False)
        assert await store.note_stored("other", [Stored(1, octets("b"))]) == set()
        assert set(await waiting(store, ISP)) == {1, 2}

    with_store(path, steps)


def test_a_uid_that_was_never_given_is_not_stored(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        with pytest.raises(StoreError, match=r"the UIDs \[7\] of isp were never given"):
            await note_stored(store, {7: "a"})

    with_store(path, steps)


Change = Callable[[SqlStore], Awaitable[object]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda store: store.maildrop(ISP), id="maildrop"),
        pytest.param(lambda store: store.note_listing(ISP, []), id="note_listing"),
        pytest.param(lambda store: store.identify(ISP, {}), id="identify"),
        pytest.param(lambda store: store.note_removed(ISP, []), id="note_removed"),
    ],
)
def test_what_was_given_and_what_was_removed_is_synced(
    path: Path, change: Change
) -> None:
    with_store(path, nothing)
    assert asyncio.run(level_beside(path, change)) == FULL


# -- whose it is -----------------------------------------------------------------------


def test_a_renamed_account_keeps_what_is_known_of_its_maildrop(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({ISP: ANN})
        await fetch(store, "a", "b")
        before = await store.maildrop(ISP)
        await store.recognise({"private": ANN})
        assert await store.maildrop("private") == before
        roll = await store.note_listing("private", listing("b", "c"))
        assert uids(roll) == {1: 2, 2: 3}
        assert roll.items[1].stored
        assert await waiting(store, ISP) == {}

    with_store(path, steps)


def test_an_account_that_was_no_maildrop_meanwhile_begins_anew(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({ISP: ANN})
        await handle(store, await fetch(store, "a", "b"))
        before = await store.maildrop(ISP)
        await store.recognise({ISP: "ann@imap.example.org"})
        after = await store.maildrop(ISP)
        assert after.uidvalidity == before.uidvalidity + 1
        assert await waiting(store, ISP) == {}
        roll = await store.note_listing(ISP, listing("a", "", size=100))
        assert not roll.items[1].stored
        await note_stored(store, {1: "a"})
        found = await store.identify(ISP, {listing("a", "")[1]: octets("b")})
        assert (found[2].uid, found[2].stored) == (2, False)
        assert await store.removable(ISP, timedelta(0)) == set()

    with_store(path, steps)


def test_the_first_login_and_the_same_one_leave_it_alone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        before = await store.maildrop(ISP)
        for _ in range(2):
            await store.recognise({ISP: ANN})
            assert await store.maildrop(ISP) == before

    with_store(path, steps)


# -- counted uptime --------------------------------------------------------------------


def keep_after(path: Path, clock: RebootingClock, *steps: Callable[[], None]) -> bool:
    """True if a message is removable that was stored a day before these steps, at each
    of which the maildrop is listed."""

    async def run(store: SqlStore) -> bool:
        await handle(store, await fetch(store, "a"))
        for step in steps:
            step()
            await store.note_listing(ISP, listing("a"))
        return bool(await store.removable(ISP, DAY))

    return with_store(path, run, clock=clock)


def test_a_day_within_one_boot_is_a_day(path: Path) -> None:
    clock = RebootingClock()
    assert keep_after(path, clock, lambda: clock.forward(days=1))


def test_a_day_less_a_second_is_none(path: Path) -> None:
    clock = RebootingClock()
    assert not keep_after(path, clock, lambda: clock.forward(hours=24, seconds=-1))


def test_a_wall_clock_set_forward_makes_no_day(path: Path) -> None:
    clock = RebootingClock()
    assert not keep_after(path, clock, lambda: clock.set(days=30))


def test_a_wall_clock_set_back_has_it_kept_longer(path: Path) -> None:
    clock = RebootingClock()

    def set_back() -> None:
        clock.set(days=-30)

    assert not keep_after(path, clock, set_back, lambda: clock.forward(days=30))
    other = path.with_name("other.db")
    assert keep_after(other, clock, set_back, lambda: clock.forward(days=31))


def test_of_another_boot_its_own_uptime_counts(path: Path) -> None:
    clock = RebootingClock()

    def boot() -> None:
        clock.forward(hours=12)
        clock.boot()

    def wait() -> None:
        clock.forward(hours=24)

    assert keep_after(path, clock, boot, wait)
    other = path.with_name("other.db")
    assert not keep_after(other, clock, boot, lambda: clock.forward(hours=12))


def test_a_clock_set_forward_by_a_boot_makes_no_day(path: Path) -> None:
    clock = RebootingClock()

    def boot() -> None:
        clock.boot()
        clock.set(days=30)

    assert not keep_after(path, clock, boot, lambda: clock.forward(hours=23))


def test_an_uptime_longer_than_the_time_that_passed_does_not_count(path: Path) -> None:
    """As where each process has to be taken for a boot."""
    clock = RebootingClock()
    clock.forward(days=30)

    def restart() -> None:
        clock.rename_boot()
        clock.forward(hours=1)

    restarts = [restart] * 23
    assert not keep_after(path, clock, *restarts, lambda: clock.set(days=30))
    assert keep_after(path.with_name("other.db"), clock, *restarts, restart)
