"""What was taken for a placement that the server refused is an arrival after all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import EffectResult, EffectState, MessageState, Placement, Sighting
from postroom.rules.effects import Copy, Effect, FileInto, SetFlags
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import NOON, cursor, decide, finish, message, plan, with_store

TO_NEWS = FileInto("News")
PLACED = Sighting(MessageState.ACKNOWLEDGED, 0, placed=True)
ARRIVED = Sighting(MessageState.SEEN, 1)
REFUSED = "OVERQUOTA"


def alike(uid: int, mailbox: str = "INBOX") -> Message:
    """One of several that nothing but their place tells apart."""
    return message(uid, mailbox=mailbox, message_id="<same@example.org>")


def in_news(uid: int) -> Message:
    """One that is alike, in the mailbox that the others are to be moved to."""
    return alike(uid, "News")


async def plan_moves(store: SqlStore, *uids: int, by: Effect = TO_NEWS) -> list[int]:
    """Have these under way; the effects, by UID."""
    await decide(store, *((alike(uid), plan(f"k{uid}", by)) for uid in uids))
    effects = [each.id for each in await store.open_effects("home", "INBOX", 7)]
    await store.begin_effects(effects)
    return effects


async def look(store: SqlStore, *uids: int) -> list[Sighting]:
    """What the ledger says of these in News, which are passed by."""
    told = await store.see([in_news(uid) for uid in uids], NOON)
    await store.adopt("home", "News", cursor(9))
    return [told[in_news(uid).key] for uid in uids]


async def waiting(store: SqlStore) -> list[int]:
    """Those in News that are to be decided at the next look."""
    return await store.undecided("home", "News", 7)


async def end(store: SqlStore, *results: EffectResult) -> None:
    """Record what came of these."""
    await store.finish_effects(results)


def held(effect: int) -> EffectResult:
    """The server refused this one."""
    return EffectResult(effect, EffectState.HELD, REFUSED)


@pytest.mark.parametrize("by", [TO_NEWS, Copy("News")])
def test_what_was_taken_for_what_the_server_refused_is_decided(
    path: Path, by: Effect
) -> None:
    async def steps(store: SqlStore) -> None:
        (effect,) = await plan_moves(store, 1, by=by)
        assert await look(store, 5) == [PLACED]
        await end(store, held(effect))
        assert await waiting(store) == [5]
        assert await look(store, 5) == [ARRIVED]
        await decide(store, (in_news(5), Plan()))
        assert await waiting(store) == []

    with_store(path, steps)


def test_when_all_that_may_have_placed_it_are_refused_it_is_decided(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        first, second = await plan_moves(store, 1, 2)
        assert await look(store, 5) == [PLACED]
        await end(store, held(first), held(second))
        assert await waiting(store) == [5], "whichever of them had claimed it"

    with_store(path, steps)


def test_one_of_two_that_is_refused_leaves_it_to_the_other(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await plan_moves(store, 1, 2)
        assert await look(store, 5) == [PLACED]
        await end(store, held(effects[0]))
        assert await waiting(store) == []
        assert await look(store, 6) == [ARRIVED]
        await end(store, held(effects[1]))
        assert await waiting(store) == [5, 6]

    with_store(path, steps)


def test_two_that_were_taken_for_two_are_both_decided(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = await plan_moves(store, 1, 2)
        assert await look(store, 5, 6) == [PLACED, PLACED]
        await end(store, *map(held, effects))
        assert await waiting(store) == [5, 6]

    with_store(path, steps)


def test_a_message_that_was_gone_may_be_what_is_there(path: Path) -> None:
    """Moved by a try of which the answer was lost, or by a person."""

    async def steps(store: SqlStore) -> None:
        (effect,) = await plan_moves(store, 1)
        assert await look(store, 5) == [PLACED]
        await end(store, EffectResult(effect, EffectState.FAILED, "no longer there"))
        await store.mark_gone([alike(1).key])
        assert await waiting(store) == []

    with_store(path, steps)


@pytest.mark.parametrize("uid", [5, None])
def test_what_was_placed_before_the_refusal_is_no_arrival(
    path: Path, uid: int | None
) -> None:
    """As by a server that copies and then refuses to mark the first copy."""

    async def steps(store: SqlStore) -> None:
        (effect,) = await plan_moves(store, 1)
        assert await look(store, 5) == [PLACED]
        placed = Placement("News", uid and 7, uid)
        await end(store, EffectResult(effect, EffectState.HELD, REFUSED, placed))
        assert await waiting(store) == []

    with_store(path, steps)


def test_what_has_left_meanwhile_stays_gone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        (effect,) = await plan_moves(store, 1)
        assert await look(store, 5) == [PLACED]
        await store.mark_gone([in_news(5).key])
        await end(store, held(effect))
        assert await waiting(store) == []

    with_store(path, steps)


def test_what_is_refused_and_places_nothing_changes_no_claim(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        read = SetFlags(frozenset({"\\Seen"}))
        await decide(store, (alike(1), plan("k", read, TO_NEWS)))
        flags, _ = await store.open_effects("home", "INBOX", 7)
        assert await look(store, 5) == [PLACED]
        await end(store, held(flags.id))
        assert await waiting(store) == []
        await finish(store)
        assert await waiting(store) == []

    with_store(path, steps)


def test_once_it_is_retried_it_has_a_placement_of_its_own(path: Path) -> None:
    """Along edges that effects have anyway."""

    async def refuse(store: SqlStore) -> None:
        (effect,) = await plan_moves(store, 1)
        assert await look(store, 5) == [PLACED]
        await end(store, held(effect))

    async def retry(store: SqlStore) -> None:
        await finish(store, placement=Placement("News"))
        assert await look(store, 5, 6, 7) == [ARRIVED, PLACED, ARRIVED]

    with_store(path, refuse)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE effect SET state = 'planned'")
    with_store(path, retry)
