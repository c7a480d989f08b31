"""What a listing of a maildrop tells: what is known, new, gone, and what it can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from postroom.ports import Item, Listed
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import (
    ISP,
    fetch,
    handle,
    listing,
    note_stored,
    octets,
    uids,
    waiting,
)
from tests.store.samples import NOON, StillClock, with_store

AT_ONCE = timedelta(0)


def names(first: int, last: int) -> list[str]:
    """So many unique-ids."""
    return [f"u{number}" for number in range(first, last + 1)]


# -- known and new ---------------------------------------------------------------------


def test_what_has_a_name_is_known_by_it_since_it_was_first_listed(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a"))
        clock.forward(hours=1)
        roll = await store.note_listing(ISP, listing("b", "a"))
        assert roll.items == {1: Item(2, clock.now()), 2: Item(1, NOON)}
        assert roll.unidentified == ()
        await note_stored(store, {1: "a"})
        roll = await store.note_listing(ISP, listing("b", "a"))
        assert roll.items[2] == Item(1, NOON, stored=True)
        assert not roll.items[1].stored

    with_store(path, steps, clock=clock)


def test_a_name_with_another_size_tells_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        roll = await store.note_listing(ISP, [Listed(1, 101, "a"), Listed(2, 100, "b")])
        assert (uids(roll), roll.unidentified) == ({2: 2}, (1,))

    with_store(path, steps)


def test_the_name_of_one_that_was_removed_tells_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        await store.note_removed(ISP, [1])
        for _ in range(2):
            roll = await store.note_listing(ISP, listing("a", "b"))
            assert (uids(roll), roll.unidentified) == ({2: 2}, (1,))
            await store.note_listing(ISP, listing("b"))

    with_store(path, steps)


def test_a_name_is_that_of_the_one_that_was_not_removed(path: Path) -> None:
    """The maildrop gave the name of one that is gone to another, of another size."""

    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        await store.note_removed(ISP, [1])
        await store.note_listing(ISP, [])
        again = Listed(1, 200, "a")
        assert (await store.note_listing(ISP, [again])).unidentified == (1,)
        found = await store.identify(ISP, {again: octets("another")})
        assert found == {1: Item(2, NOON)}
        assert uids(await store.note_listing(ISP, [again])) == {1: 2}

    with_store(path, steps)


def test_a_name_that_two_have_had_tells_nothing_of_either(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        other = Listed(1, 200, "a")
        await store.note_listing(ISP, [other])
        await store.identify(ISP, {other: octets("another")})
        await store.note_listing(ISP, [])
        for size in (100, 200):
            roll = await store.note_listing(ISP, listing("a", size=size))
            assert roll.unidentified == (1,)

    with_store(path, steps)


def test_what_has_no_name_is_not_known_by_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        roll = await store.note_listing(ISP, listing("", "a", ""))
        assert (uids(roll), roll.unidentified) == ({2: 1}, (1, 3))

    with_store(path, steps)


def test_an_empty_maildrop_is_forgotten_once_it_is_full_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a", "b"))
        roll = await store.note_listing(ISP, [])
        assert roll.items == {}
        assert await store.removable(ISP, AT_ONCE) == set()
        assert set(await waiting(store, ISP)) == {1, 2}
        roll = await store.note_listing(ISP, listing("a", "b"))
        assert uids(roll) == {1: 1, 2: 2}
        assert roll.items[1].stored
        assert await store.removable(ISP, AT_ONCE) == {1, 2}

    with_store(path, steps)


# -- waiting ---------------------------------------------------------------------------


def test_all_wait_but_those_that_were_removed(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        await store.note_listing(ISP, listing("a", "b", "c"))
        await store.note_removed(ISP, [2])
        expected = {1: Item(1, NOON, stored=True), 3: Item(3, NOON)}
        assert await waiting(store, ISP) == expected
        await store.note_listing(ISP, [])
        assert await waiting(store, ISP) == expected

    with_store(path, steps)


# -- renumbered ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "kept", "new", "expected"),
    [
        pytest.param(21, 0, 21, True, id="all"),
        pytest.param(40, 3, 40, True, id="nearly all"),
        pytest.param(40, 4, 40, False, id="a tenth stays"),
        pytest.param(20, 0, 40, False, id="few were there"),
        pytest.param(40, 0, 20, False, id="few have come"),
        pytest.param(40, 0, 0, False, id="empty"),
        pytest.param(0, 0, 40, False, id="the first visit"),
    ],
)
def test_a_maildrop_is_renumbered_if_nearly_all_is_gone_and_as_many_have_come(
    path: Path, before: int, kept: int, new: int, expected: bool
) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, *names(1, before))
        now = [*names(1, kept), *names(101, 100 + new)]
        roll = await store.note_listing(ISP, listing(*now))
        assert roll.renumbered is expected

    with_store(path, steps)


async def removed(store: SqlStore) -> None:
    """The server has removed all of forty."""
    await store.note_removed(ISP, await fetch(store, *names(1, 40)))


async def vanished(store: SqlStore) -> None:
    """All of forty had left before."""
    await fetch(store, *names(1, 40))
    await store.note_listing(ISP, [])


async def not_stored(store: SqlStore) -> None:
    """None of forty was stored."""
    await store.note_listing(ISP, listing(*names(1, 40)))


@pytest.mark.parametrize("before", [removed, vanished, not_stored])
def test_what_left_otherwise_makes_no_maildrop_renumbered(
    path: Path, before: Callable[[SqlStore], Awaitable[None]]
) -> None:
    async def steps(store: SqlStore) -> None:
        await before(store)
        roll = await store.note_listing(ISP, listing(*names(101, 140)))
        assert not roll.renumbered

    with_store(path, steps)


def test_a_maildrop_stays_renumbered_until_few_of_it_are_not_stored(path: Path) -> None:
    """So that a daemon that was ended meanwhile knows it as well."""
    again = listing(*names(101, 140))

    async def first(store: SqlStore) -> None:
        await fetch(store, *names(1, 40))
        await store.note_listing(ISP, again)

    async def second(store: SqlStore) -> None:
        assert (await store.note_listing(ISP, again)).renumbered
        await note_stored(store, {uid: f"text {uid}" for uid in range(41, 61)})
        assert not (await store.note_listing(ISP, again)).renumbered
        later = await store.note_listing(ISP, [*again, *listing(*names(201, 240))])
        assert not later.renumbered

    with_store(path, first)
    with_store(path, second)


# -- hiding ----------------------------------------------------------------------------


async def hides(store: SqlStore, *now: str) -> bool:
    """What is said of the maildrop once it lists these."""
    await store.note_listing(ISP, listing(*now))
    return (await store.maildrop(ISP)).hides


def test_a_maildrop_hides_if_all_that_was_stored_at_the_last_visit_is_gone(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b", "c")
        assert await hides(store, "d")
        assert await hides(store, "d", "e")

    with_store(path, steps)


@pytest.mark.parametrize(
    "now", [("b", "c"), ("c",)], ids=["one is gone", "two are gone"]
)
def test_what_a_person_deletes_hides_nothing(path: Path, now: tuple[str, ...]) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b", "c")
        assert not await hides(store, *now)

    with_store(path, steps)


def test_two_that_are_gone_are_not_enough_to_say_that_it_hides(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        assert not await hides(store)

    with_store(path, steps)


def test_a_maildrop_that_still_has_older_ones_hides_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "old")
        await fetch(store, "old", "a", "b", "c")
        assert not await hides(store, "old")

    with_store(path, steps)


def test_what_stood_a_listing_was_not_hidden_when_it_leaves(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b", "c")
        assert not await hides(store, "a", "b", "c")
        assert not await hides(store)

    with_store(path, steps)


def test_what_was_removed_was_not_hidden(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_removed(ISP, await fetch(store, "a", "b", "c"))
        assert not await hides(store)

    with_store(path, steps)


def test_a_maildrop_that_shows_again_what_was_gone_hides_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b", "c")
        assert await hides(store)
        assert not await hides(store, "b")

    with_store(path, steps)


# -- many ------------------------------------------------------------------------------


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that any database is given meanwhile."""
    told: list[str] = []

    def tell(*arguments: object) -> None:
        told.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(Engine, "before_cursor_execute", tell)


def test_a_listing_of_many_takes_few_statements(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        many = listing(*names(1, 3000))
        for expected in (20, 9):
            with counting() as told:
                await store.note_listing(ISP, many)
            assert 0 < len(told) <= expected

    with_store(path, steps)
