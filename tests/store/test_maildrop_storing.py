"""Messages of a maildrop that are stored, and those that it has merely renamed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

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


def test_what_is_renamed_goes_on_under_the_uid_it_had(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a", "b"))
        assert uids(await store.note_listing(ISP, listing("b", "c"))) == {1: 2, 2: 3}
        assert await note_stored(store, {3: "a"}) == {3}
        assert await waiting(store, ISP) == {
            uid: Item(uid, NOON, stored=True) for uid in (1, 2)
        }
        assert await store.removable(ISP, AT_ONCE) == {1, 2}
        assert uids(await store.note_listing(ISP, listing("c", "d"))) == {1: 1, 2: 4}

    with_store(path, steps)


def test_a_void_uid_is_void_however_often_it_is_noted(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        await store.note_listing(ISP, listing("b"))
        for _ in range(2):
            assert await note_stored(store, {2: "a"}) == {2}
        assert set(await waiting(store, ISP)) == {1}

    with_store(path, steps)


def test_a_stored_one_may_be_noted_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a", "b")
        assert await note_stored(store, {1: "a", 2: "b"}) == set()
        await store.note_listing(ISP, listing("b"))
        assert await note_stored(store, {1: "a", 2: "b"}) == set()
        assert set(await waiting(store, ISP)) == {1, 2}

    with_store(path, steps)


def test_one_that_is_equal_to_one_still_there_is_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        await store.note_listing(ISP, listing("a", "b"))
        assert await note_stored(store, {2: "a"}) == set()

    with_store(path, steps)


def test_one_that_is_equal_to_one_that_was_removed_is_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_removed(ISP, await fetch(store, "a"))
        await store.note_listing(ISP, listing("b"))
        assert await note_stored(store, {2: "a"}) == set()

    with_store(path, steps)


def test_one_that_is_like_one_that_was_never_stored_is_another(path: Path) -> None:
    nameless = Listed(1, 100)

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, [nameless])
        await store.identify(ISP, {nameless: octets("a")})
        await store.note_listing(ISP, listing("b"))
        assert await note_stored(store, {2: "a"}) == set()

    with_store(path, steps)


def test_each_that_is_gone_is_one_of_those_that_have_come(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a", "b"))
        await note_stored(store, {1: "same", 2: "same"})
        await store.note_listing(ISP, listing("c", "d", "e"))
        assert await note_stored(store, {3: "same"}) == {3}
        assert await note_stored(store, {4: "same", 5: "same"}) in ({4}, {5})
        assert len(await waiting(store, ISP)) == 3

    with_store(path, steps)


def test_what_is_stored_is_not_taken_for_one_that_was_stored_with_it(
    path: Path,
) -> None:
    """Its file was there, and the daemon was ended before that was noted."""

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a"))
        await store.note_listing(ISP, listing("b"))
        assert await note_stored(store, {1: "same"}) == set()
        assert await note_stored(store, {2: "same"}) == {2}

    with_store(path, steps)


def test_one_that_has_got_a_name_goes_on_under_it(path: Path) -> None:
    """What had none may yet be one of those of the listing that still have none."""
    nameless, named = Listed(1, 100), Listed(2, 100, "a")

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, [nameless])
        await store.identify(ISP, {nameless: octets("a")})
        await note_stored(store, {1: "a"})
        await store.note_listing(ISP, [nameless, named])
        assert await note_stored(store, {2: "a"}) == {2}
        found = await store.identify(ISP, {nameless: octets("b")})
        assert found[1].uid == 3
        assert uids(await store.note_listing(ISP, [named])) == {2: 1}

    with_store(path, steps)
