"""After another login nobody knows which maildrop it is, until it was compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from postroom.ports import Cursor, Item, Listed, Roll, as_maildrop
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import (
    ISP,
    fetch,
    handle,
    listing,
    note_stored,
    octets,
    uids,
)
from tests.store.samples import NOON, with_store

HERE, THERE = (as_maildrop(f"ann@{host}.example.org") for host in ("pop", "mail"))
AT_ONCE = timedelta(0)


async def log_in(store: SqlStore, login: str) -> None:
    """Have the account be this one, as the settings say."""
    await store.recognise({ISP: login})


async def identify(store: SqlStore, texts: Mapping[Listed, str]) -> Mapping[int, Item]:
    """Compare the octets of messages with these texts."""
    found = {listed: octets(text) for listed, text in texts.items()}
    return await store.identify(ISP, found)


async def compare(store: SqlStore, there: list[Listed], *texts: str) -> dict[int, int]:
    """List the maildrop, none of which is known by its name; the UIDs by number."""
    roll = await store.note_listing(ISP, there)
    assert roll == Roll({}, tuple(each.number for each in there))
    found = await identify(store, dict(zip(there, texts, strict=True)))
    return {number: item.uid for number, item in found.items()}


def test_what_is_kept_there_is_known_by_its_octets(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await handle(store, await fetch(store, "a", "b"))
        before = await store.maildrop(ISP)
        await log_in(store, THERE)
        assert await store.maildrop(ISP) == before
        there = listing("a", "b", "c")
        assert await compare(store, there, "a", "b", "c") == {1: 1, 2: 2, 3: 3}
        roll = await store.note_listing(ISP, there)
        assert (uids(roll), roll.unidentified) == ({1: 1, 2: 2, 3: 3}, ())
        assert [roll.items[each].stored for each in (1, 2, 3)] == [True, True, False]
        assert await store.removable(ISP, AT_ONCE) == {1, 2}

    with_store(path, steps)


def test_what_has_a_name_and_a_size_of_what_is_here_may_be_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await handle(store, await fetch(store, "a", "b"))
        await log_in(store, THERE)
        assert await compare(store, listing("a", "b"), "x", "y") == {1: 3, 2: 4}
        assert await store.removable(ISP, AT_ONCE) == set()

    with_store(path, steps)


def test_a_way_there_and_back_changes_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await handle(store, await fetch(store, "a", "b"))
        await log_in(store, THERE)
        assert await compare(store, listing("x"), "x") == {1: 3}
        await note_stored(store, {3: "x"})
        await log_in(store, HERE)
        assert await compare(store, listing("a", "b"), "a", "b") == {1: 1, 2: 2}
        assert await store.removable(ISP, AT_ONCE) == {1, 2}

    with_store(path, steps)


def test_a_way_through_an_empty_one_changes_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await handle(store, await fetch(store, "a", "b"))
        await log_in(store, THERE)
        assert await store.note_listing(ISP, []) == Roll({})
        await log_in(store, HERE)
        roll = await store.note_listing(ISP, listing("a", "b"))
        assert await note_stored(store, {3: "a", 4: "b"}) == set(uids(roll).values())
        assert uids(await store.note_listing(ISP, listing("a", "b"))) == {1: 1, 2: 2}

    with_store(path, steps)


def test_a_comparison_that_was_cut_off_goes_on(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await fetch(store, "a", "b", "c")
        await log_in(store, THERE)
        there = listing("a", "b", "d")
        await store.note_listing(ISP, there)
        await identify(store, {there[1]: "b"})
        roll = await store.note_listing(ISP, there)
        assert (uids(roll), roll.unidentified) == ({2: 2}, (1, 3))
        found = await identify(store, {there[0]: "a", there[2]: "d"})
        assert [found[number].uid for number in (1, 3)] == [1, 4]
        roll = await store.note_listing(ISP, listing("a", "b", "d", "e"))
        assert uids(roll) == {1: 1, 2: 2, 3: 4, 4: 5}

    with_store(path, steps)


def test_what_did_not_come_yet_has_its_name_still(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        before = await store.note_listing(ISP, listing("a"))
        await log_in(store, THERE)
        assert await store.note_listing(ISP, listing("a")) == before

    with_store(path, steps)


def test_of_many_that_can_not_be_what_is_here_nothing_goes_out(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await fetch(store, "a")
        await log_in(store, THERE)
        few = [f"u{number}" for number in range(20)]
        roll = await store.note_listing(ISP, listing("a", *few))
        assert not roll.renumbered
        roll = await store.note_listing(ISP, listing("a", "b", *few))
        assert roll.renumbered

    with_store(path, steps)


# -- what was there before postroom ----------------------------------------------------


async def leave(store: SqlStore, *names: str) -> None:
    """List these, all to be left alone."""
    await store.note_listing(ISP, listing(*names))
    drop = await store.maildrop(ISP)
    await store.adopt(ISP, "INBOX", Cursor(drop.uidvalidity, drop.uidnext - 1, NOON))


def test_what_is_left_alone_is_so_under_another_login(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await leave(store, "a", "b")
        await log_in(store, THERE)
        assert uids(await store.note_listing(ISP, listing("b", "c"))) == {2: 3}

    with_store(path, steps)


def test_in_another_maildrop_all_that_is_there_is_left_alone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await leave(store, "a", "b")
        (kept,) = uids(await store.note_listing(ISP, listing("a", "b", "c"))).values()
        await note_stored(store, {kept: "c"})
        await log_in(store, THERE)
        assert await store.note_listing(ISP, listing("x", "y")) == Roll({})
        arrived = await store.note_listing(ISP, listing("x", "y", "z"))
        assert uids(arrived) == {3: 6}
        await log_in(store, HERE)
        roll = await store.note_listing(ISP, listing("a", "b"))
        assert roll == Roll({})

    with_store(path, steps)


def test_a_name_of_what_was_left_alone_with_another_size_is_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await log_in(store, HERE)
        await leave(store, "a", "b")
        await log_in(store, THERE)
        there = [*listing("a"), Listed(2, 99, "b"), Listed(3, 100, "c")]
        roll = await store.note_listing(ISP, there)
        assert (uids(roll), roll.unidentified) == ({3: 3}, (2,))

    with_store(path, steps)
