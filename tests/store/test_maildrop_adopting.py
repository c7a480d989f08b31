"""What was in a maildrop before postroom: left alone under whatever name it goes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.ports import Cursor, Listed
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import (
    ISP,
    fetch,
    note_stored,
    octets,
    uids,
)
from tests.store.samples import NOON, StillClock, message, with_store

NAMES = ("a", "b", "c", "d")
THERE = [Listed(number, 100 * number, name) for number, name in enumerate(NAMES, 1)]


async def adopt(store: SqlStore) -> None:
    """Leave the four alone that are there at the first look."""
    await store.note_listing(ISP, THERE)
    drop = await store.maildrop(ISP)
    cursor = Cursor(drop.uidvalidity, drop.uidnext - 1, NOON)
    await store.adopt(ISP, "INBOX", cursor)


def renamed(listing: Iterable[Listed], name: str) -> list[Listed]:
    """The same messages under names that begin so; without any if it is empty."""
    return [
        Listed(each.number, each.size, name and f"{name}{each.uidl}")
        for each in listing
    ]


@pytest.mark.parametrize("name", ["", "new-"])
def test_what_is_left_alone_is_so_by_any_name(path: Path, name: str) -> None:
    async def steps(store: SqlStore) -> None:
        await adopt(store)
        for listing in (THERE, renamed(THERE, name), renamed(THERE, name), THERE):
            roll = await store.note_listing(ISP, listing)
            assert (roll.items, roll.unidentified) == ({}, ())
        assert await store.removable(ISP, timedelta(0)) == frozenset()

    with_store(path, steps)


def test_one_that_has_another_size_is_left_alone_too(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await adopt(store)
        grown = [Listed(each.number, each.size + 7, each.uidl) for each in THERE]
        assert (await store.note_listing(ISP, grown)).items == {}

    with_store(path, steps)


def test_one_that_goes_by_no_name_once_is_known_by_its_size(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await adopt(store)
        roll = await store.note_listing(ISP, [*THERE[:3], Listed(4, 400)])
        assert (roll.items, roll.unidentified) == ({}, ())

    with_store(path, steps)


def test_a_new_message_is_new_though_it_has_the_size_of_one_that_went(
    path: Path,
) -> None:
    """People delete old mail, and new mail must be handled."""

    async def steps(store: SqlStore) -> None:
        await adopt(store)
        newcomer = Listed(4, 400, "new")
        roll = await store.note_listing(ISP, [*THERE[:3], newcomer])
        assert uids(roll) == {4: 5}
        roll = await store.note_listing(ISP, [Listed(1, 100, "newer")])
        assert uids(roll) == {1: 6}

    with_store(path, steps)


def test_what_comes_after_it_is_handled(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await adopt(store)
        roll = await store.note_listing(ISP, [*THERE, Listed(5, 500, "e")])
        assert uids(roll) == {5: 5}

    with_store(path, steps)


def test_what_was_looked_at_is_not_left_alone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, THERE)
        drop = await store.maildrop(ISP)
        seen = message(1, account=ISP, uidvalidity=drop.uidvalidity)
        await store.see([seen], NOON)
        cursor = Cursor(drop.uidvalidity, drop.uidnext - 1, NOON)
        await store.adopt(ISP, "INBOX", cursor)
        assert uids(await store.note_listing(ISP, THERE)) == {1: 1}

    with_store(path, steps)


# -- asked, and not answered -----------------------------------------------------------


def test_a_name_that_was_asked_for_its_removal_is_told_by_its_octets(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        await store.note_asked(ISP, [1, 2])
        listing = [Listed(1, 100, "a"), Listed(2, 100, "b")]
        roll = await store.note_listing(ISP, listing)
        assert (roll.items, roll.unidentified) == ({}, (1, 2))
        other = {listing[0]: octets("another"), listing[1]: octets("b")}
        found = await store.identify(ISP, other)
        assert [found[1].uid, found[1].stored] == [3, False]
        assert [found[2].uid, found[2].stored] == [2, True]

    with_store(path, steps)


def test_what_was_asked_for_and_is_gone_was_removed(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        await store.note_asked(ISP, [1])
        await store.note_listing(ISP, [])
        roll = await store.note_listing(ISP, [Listed(1, 100, "z")])
        (item,) = roll.items.values()
        assert await note_stored(store, {item.uid: "a"}) == frozenset()

    with_store(path, steps)


# -- one that ends connections ---------------------------------------------------------


def test_one_that_ends_three_connections_in_ten_minutes_is_broken(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        listing = [Listed(1, 100, "a"), Listed(2, 100, "b")]
        await store.note_listing(ISP, listing)
        for minutes in (0, 5, 5):
            clock.forward(minutes=minutes)
            items = (await store.note_listing(ISP, listing)).items
            assert not items[1].is_broken
            await store.note_broken(ISP, 1)
        items = (await store.note_listing(ISP, listing)).items
        assert [items[1].is_broken, items[2].is_broken] == [True, False]

    with_store(path, steps, clock=clock)


def test_a_network_that_is_down_for_a_while_breaks_none(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        listing = [Listed(1, 100, "a")]
        await store.note_listing(ISP, listing)
        for _ in range(9):
            await store.note_broken(ISP, 1)
        assert not (await store.note_listing(ISP, listing)).items[1].is_broken

    with_store(path, steps)
