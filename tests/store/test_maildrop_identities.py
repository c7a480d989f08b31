"""Messages of a maildrop are recognised by their octets where no name tells them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

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
from tests.store.samples import NOON, with_store

AT_ONCE = timedelta(0)


def uids_of(found: Mapping[int, Item]) -> dict[int, int]:
    """The UIDs of what was identified, by number."""
    return {number: item.uid for number, item in found.items()}


async def visit(store: SqlStore, *texts: str) -> list[int]:
    """List and identify messages without names, of these octets, and note them all as
    stored; their UIDs."""
    found = dict(zip(listing(*[""] * len(texts)), texts, strict=True))
    roll = await store.note_listing(ISP, list(found))
    assert len(roll.unidentified) == len(texts)
    items = await store.identify(ISP, {each: octets(found[each]) for each in found})
    await note_stored(store, {items[each.number].uid: found[each] for each in found})
    return [items[each.number].uid for each in found]


def test_the_same_octets_are_the_same_message(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await visit(store, "a", "b") == [1, 2]
        assert await visit(store, "b", "c", "a") == [2, 3, 1]

    with_store(path, steps)


def test_what_was_identified_and_not_stored_is_so_still(path: Path) -> None:
    (nameless,) = listing("")

    async def steps(store: SqlStore) -> None:
        for _ in range(2):
            await store.note_listing(ISP, [nameless])
            found = await store.identify(ISP, {nameless: octets("a")})
            assert found == {1: Item(1, NOON)}
        await note_stored(store, {1: "a"})
        await store.note_listing(ISP, [nameless])
        found = await store.identify(ISP, {nameless: octets("a")})
        assert found == {1: Item(1, NOON, stored=True)}

    with_store(path, steps)


def test_two_that_are_equal_are_two(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await visit(store, "a", "a") == [1, 2]
        assert sorted(await visit(store, "a", "a", "a")) == [1, 2, 3]
        assert len(set(await visit(store, "a", "a"))) == 2

    with_store(path, steps)


def test_two_that_are_equal_are_two_if_one_is_identified_after_the_other(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await visit(store, "a")
        both = listing("", "")
        await store.note_listing(ISP, both)
        found = [await store.identify(ISP, {each: octets("a")}) for each in both]
        assert [uids_of(each) for each in found] == [{1: 1}, {2: 2}]

    with_store(path, steps)


def test_one_that_the_listing_has_by_its_name_is_not_found_once_more(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        named, nameless = listing("a", "")
        await store.note_listing(ISP, [named, nameless])
        assert uids_of(await store.identify(ISP, {nameless: octets("a")})) == {2: 2}

    with_store(path, steps)


# -- names -----------------------------------------------------------------------------


def test_a_message_that_has_lost_its_name_is_known(path: Path) -> None:
    """As when the maildrop calls two by one name."""

    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        nameless = Listed(1, 100)
        await store.note_listing(ISP, [nameless, Listed(2, 100, "b")])
        assert uids_of(await store.identify(ISP, {nameless: octets("a")})) == {1: 1}

    with_store(path, steps)


def test_the_name_and_the_size_it_has_now_are_noted(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        other = Listed(1, 200, "a")
        await store.note_listing(ISP, [other])
        await store.identify(ISP, {other: octets("a")})
        assert uids(await store.note_listing(ISP, [other])) == {1: 1}
        nameless = Listed(1, 200)
        await store.note_listing(ISP, [nameless])
        await store.identify(ISP, {nameless: octets("a")})
        roll = await store.note_listing(ISP, [other])
        assert uids(roll) == {1: 2}, "the name is no longer its own"

    with_store(path, steps)


def test_of_two_that_are_equal_each_keeps_its_name(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        roll = await store.note_listing(ISP, listing("a", "b"))
        await note_stored(store, {1: "same", 2: "same"})
        assert len(roll.items) == 2
        first, second = listing("b", "a", size=200)
        await store.note_listing(ISP, [first, second])
        same = octets("same")
        found = await store.identify(ISP, {first: same, second: same})
        assert uids_of(found) == {1: 2, 2: 1}

    with_store(path, steps)


# -- removed ---------------------------------------------------------------------------


def test_what_the_server_kept_after_all_is_removable_again_and_never_new(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        them = await visit(store, "a", "b")
        await handle(store, them)
        await store.note_removed(ISP, [1])
        assert await store.removable(ISP, AT_ONCE) == {2}
        assert await visit(store, "a", "b") == [1, 2]
        assert await store.removable(ISP, AT_ONCE) == {1, 2}
        assert set(await waiting(store, ISP)) == {1, 2}

    with_store(path, steps)


def test_an_equal_one_after_a_listing_without_it_is_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await visit(store, "a", "b")
        await store.note_removed(ISP, [1])
        assert await visit(store, "b") == [2]
        assert await visit(store, "a", "b") == [3, 2]
        assert set(await waiting(store, ISP)) == {2, 3}

    with_store(path, steps)


def test_a_listing_that_was_not_identified_to_its_end_was_not_without_it(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await visit(store, "a", "b")
        await store.note_removed(ISP, [1])
        first, second = listing("", "")
        await store.note_listing(ISP, [first, second])
        assert uids_of(await store.identify(ISP, {first: octets("b")})) == {1: 2}
        await store.note_listing(ISP, [first, second])
        found = await store.identify(ISP, {second: octets("a"), first: octets("b")})
        assert uids_of(found) == {1: 2, 2: 1}

    with_store(path, steps)


@pytest.mark.parametrize("between", [[], ["b"]], ids=["at once", "after a listing"])
def test_what_was_removed_and_has_its_name_is_known_whenever_it_is_listed(
    path: Path, between: list[str]
) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a", "b"))
        await store.note_removed(ISP, [1])
        if between:
            await store.note_listing(ISP, listing(*between))
        named = Listed(1, 100, "a")
        await store.note_listing(ISP, [named, Listed(2, 100, "b")])
        assert uids_of(await store.identify(ISP, {named: octets("a")})) == {1: 1}
        assert await store.removable(ISP, AT_ONCE) == {1, 2}
        roll = await store.note_listing(ISP, [named])
        assert uids(roll) == {1: 1}

    with_store(path, steps)


def test_the_name_of_one_that_was_removed_with_other_octets_is_of_another(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        await store.note_removed(ISP, [1])
        named = Listed(1, 100, "a")
        await store.note_listing(ISP, [named])
        assert uids_of(await store.identify(ISP, {named: octets("other")})) == {1: 2}

    with_store(path, steps)


# -- gone ------------------------------------------------------------------------------


def test_what_is_not_among_the_identified_is_gone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await visit(store, "a", "b"))
        first, second = listing("", "")
        await store.note_listing(ISP, [first, second])
        assert await store.removable(ISP, AT_ONCE) == set(), "none has a number yet"
        await store.identify(ISP, {first: octets("c")})
        await store.identify(ISP, {second: octets("b")})
        assert await store.removable(ISP, AT_ONCE) == {2}
        assert await visit(store, "a", "b", "c") == [1, 2, 3]
        assert await store.removable(ISP, AT_ONCE) == {1, 2}

    with_store(path, steps)
