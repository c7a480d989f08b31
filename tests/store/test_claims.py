"""Of a placement and its twin, which came by itself, exactly one is an arrival."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import (
    Decision,
    EffectResult,
    EffectState,
    MessageState,
    Placement,
    Sighting,
)
from postroom.rules.effects import Copy, FileInto
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import NOON, RULES, cursor, decide, message, plan, with_store

TO_NEWS = FileInto("News")
UIDVALIDITY = 30
HIGHEST = 9
ACKNOWLEDGED = Sighting(MessageState.ACKNOWLEDGED, 0)
PLACED = Sighting(MessageState.ACKNOWLEDGED, 0, placed=True)
ARRIVED = Sighting(MessageState.SEEN, 1)


def source(uid: int) -> Message:
    """One of several alike that are to be moved."""
    return message(uid, message_id="<same@example.org>")


def in_news(
    uid: int, *, uidvalidity: int = UIDVALIDITY, mailbox: str = "News"
) -> Message:
    """One that is alike, in the mailbox that they are moved to."""
    name = "<same@example.org>"
    return message(uid, mailbox=mailbox, uidvalidity=uidvalidity, message_id=name)


async def begin_moving(
    store: SqlStore, *uids: int, by: FileInto | Copy = TO_NEWS
) -> dict[int, int]:
    """Have these under way; the effects that are."""
    planned = [(source(uid), plan(f"k{uid}", by)) for uid in uids]
    await decide(store, *planned)
    open_ = await store.open_effects("home", "INBOX", 7)
    await store.begin_effects([each.id for each in open_])
    return {each.message.uid: each.id for each in open_}


async def tell(store: SqlStore, moved: Mapping[int, int | None]) -> None:
    """Record where these effects placed their messages."""
    validity = None if None in moved.values() else UIDVALIDITY
    results = [
        EffectResult(row, EffectState.DONE, "", Placement("News", validity, uid))
        for row, uid in moved.items()
    ]
    await store.finish_effects(results)


async def sight(store: SqlStore, *uids: int) -> list[Sighting]:
    """What the ledger says of these in News, seen in one look."""
    told = await store.see([in_news(uid) for uid in uids], NOON)
    return [told[in_news(uid).key] for uid in uids]


async def look(store: SqlStore, *uids: int) -> set[int]:
    """Look at these, and pass them by; those that are taken for placements."""
    told = await sight(store, *uids)
    await store.adopt("home", "News", cursor(HIGHEST, UIDVALIDITY))
    return {uid for uid, each in zip(uids, told, strict=True) if each.placed}


async def waiting(store: SqlStore) -> list[int]:
    """Those in News that are to be decided at the next look."""
    return await store.undecided("home", "News", UIDVALIDITY)


async def handle(store: SqlStore, uid: int) -> None:
    """Decide that nothing is to be done about this one in News."""
    run = await store.begin_run("live", RULES)
    await store.commit(run, [Decision(in_news(uid), Plan())], None)


@pytest.mark.parametrize("by", [TO_NEWS, Copy("News")])
def test_a_twin_that_was_taken_for_the_placement_is_decided_after_all(
    path: Path, by: FileInto | Copy
) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1, by=by)
        assert await look(store, 4) == {4}
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == [4]
        # As a new one: no attempt at it was counted.
        assert await sight(store, 4, 5) == [ARRIVED, PLACED]
        await handle(store, 4)
        assert (await sight(store, 4))[0].state is MessageState.ACKNOWLEDGED
        assert await waiting(store) == []

    with_store(path, steps)


def test_a_claim_that_was_right_is_left_alone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 5) == {5}
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == []
        assert await sight(store, 5, 6) == [ACKNOWLEDGED, ARRIVED]

    with_store(path, steps)


@pytest.mark.parametrize("is_decided", [False, True])
def test_twins_that_changed_places_are_left_alone(path: Path, is_decided: bool) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        assert await sight(store, 5) == [ARRIVED]
        if is_decided:
            await handle(store, 5)
        before = await waiting(store)
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == before == ([] if is_decided else [5])

    with_store(path, steps)


def test_what_left_before_it_was_decided_has_not_changed_places(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        assert await sight(store, 5) == [ARRIVED]
        await store.mark_gone([in_news(5).key])
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == [4]

    with_store(path, steps)


def test_what_was_decided_and_left_has_changed_places(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        assert await sight(store, 5) == [ARRIVED]
        await handle(store, 5)
        await store.mark_gone([in_news(5).key])
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == []

    with_store(path, steps)


def test_a_twin_that_has_left_meanwhile_stays_gone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        await store.mark_gone([in_news(4).key])
        await tell(store, {effects[1]: 5})
        assert (await sight(store, 4))[0].state is MessageState.GONE

    with_store(path, steps)


def test_the_claim_becomes_that_of_what_was_placed(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        await tell(store, {effects[1]: 5})

    with_store(path, steps)
    with closing(sqlite3.connect(path)) as connection:
        claimed = connection.execute("SELECT claimed_uid FROM effect").fetchall()
    assert claimed == [(5,)]


def test_without_a_uid_nobody_can_know(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        await tell(store, {effects[1]: None})
        assert await waiting(store) == []

    with_store(path, steps)


@pytest.mark.parametrize("uidvalidity", [UIDVALIDITY, UIDVALIDITY + 1])
def test_only_uids_of_one_uidvalidity_are_compared(
    path: Path, uidvalidity: int
) -> None:
    renumbered = in_news(4, uidvalidity=UIDVALIDITY + 1)

    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        assert await look(store, 4) == {4}
        await begin_moving(store, 2)
        assert await store.see([renumbered], NOON) == {renumbered.key: PLACED}
        placed = Placement("News", uidvalidity, 5)
        result = EffectResult(effects[1], EffectState.DONE, "", placed)
        await store.finish_effects([result])
        assert await waiting(store) == ([4] if uidvalidity == UIDVALIDITY else [])
        assert await store.see([renumbered], NOON) == {renumbered.key: ACKNOWLEDGED}

    with_store(path, steps)


def test_the_uids_of_another_mailbox_are_others(path: Path) -> None:
    elsewhere = in_news(5, mailbox="Old")

    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1)
        await begin_moving(store, 2, by=FileInto("Old"))
        assert await look(store, 4) == {4}
        assert await store.see([elsewhere], NOON) == {elsewhere.key: PLACED}
        await tell(store, {effects[1]: 5})
        assert await waiting(store) == [4]
        assert await store.see([elsewhere], NOON) == {elsewhere.key: ACKNOWLEDGED}

    with_store(path, steps)


# -- twins that are moved --------------------------------------------------------------

ORDERS = [(1, 2), (2, 1)]


async def tell_of(
    store: SqlStore,
    effects: Mapping[int, int],
    places: Mapping[int, int],
    order: Sequence[int],
    *,
    at_once: bool,
) -> None:
    """Record where these went, in this order, in one transaction or in several."""
    told = [{effects[uid]: places[uid]} for uid in order]
    if at_once:
        told = [{row: uid for each in told for row, uid in each.items()}]
    for each in told:
        await tell(store, each)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("places", [{1: 5, 2: 6}, {1: 6, 2: 5}])
@pytest.mark.parametrize("seen", [(5, 6), (6, 5), (5,), (6,)])
def test_two_that_are_moved_are_two_placements_whichever_claims_which(
    path: Path,
    seen: Sequence[int],
    places: Mapping[int, int],
    order: Sequence[int],
    at_once: bool,
) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1, 2)
        assert await look(store, *seen) == set(seen)
        await tell_of(store, effects, places, order, at_once=at_once)
        assert await waiting(store) == []
        assert all(
            each.state is MessageState.ACKNOWLEDGED for each in await sight(store, 5, 6)
        )
        assert await sight(store, 7) == [ARRIVED]

    with_store(path, steps)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("places", [{1: 5, 2: 6}, {1: 6, 2: 5}])
@pytest.mark.parametrize("seen", [(4, 5), (4, 6), (5, 4), (6, 4)])
def test_among_two_that_are_moved_the_one_that_came_by_itself_is_found(
    path: Path,
    seen: Sequence[int],
    places: Mapping[int, int],
    order: Sequence[int],
) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1, 2)
        assert await look(store, *seen) == set(seen)
        await tell_of(store, effects, places, order, at_once=True)
        assert await waiting(store) == [4]
        (late,) = {5, 6} - set(seen)
        assert await sight(store, late) == [PLACED]

    with_store(path, steps)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seen", [(3, 4, 5, 6), (6, 5, 4, 3), (3, 4), (4, 5, 6)])
def test_of_two_that_are_moved_and_two_that_came_two_are_handled(
    path: Path, seen: Sequence[int], order: Sequence[int], at_once: bool
) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await begin_moving(store, 1, 2)
        await look(store, *seen)
        await tell_of(store, effects, {1: 5, 2: 6}, order, at_once=at_once)
        await look(store, *({3, 4, 5, 6} - set(seen)))
        assert len(await waiting(store)) == 2

    with_store(path, steps)
