"""A second copy is an arrival; what left and was put back is none."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import Decision, EffectState, MessageState, Placement, Sighting
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    StillClock,
    decide,
    finish,
    message,
    plan,
    with_store,
)

ARRIVED = Sighting(MessageState.SEEN, 1)
BACK = Sighting(MessageState.ACKNOWLEDGED, 0, returned=True)
READ = SetFlags(frozenset({"\\Seen"}))
LONG_AGO = NOON - timedelta(days=300)


def copy(
    uid: int, mailbox: str = "INBOX", *, size: int = 1000, received: datetime = NOON
) -> Message:
    """Another copy of the message with UID 1."""
    return message(
        uid,
        mailbox=mailbox,
        message_id="<1@example.org>",
        size=size,
        received=received,
    )


async def sight(store: SqlStore, arrival: Message, clock: StillClock) -> Sighting:
    """What the ledger says of this arrival, the mailbox having been listed just now."""
    clock.forward(seconds=1)
    return (await store.see([arrival], clock.now()))[arrival.key]


@pytest.mark.parametrize("effect", [FileInto("Lists"), Delete(forever=True)])
def test_a_message_that_is_put_back_is_not_run_again(
    path: Path, effect: Effect
) -> None:
    """By its fingerprint, in the mailbox where it was decided, and nowhere else."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect)))
        await finish(store)
        assert await sight(store, copy(9), clock) == BACK
        assert await sight(store, copy(10), clock) == BACK
        assert await sight(store, copy(8, size=1), clock) == ARRIVED
        assert await sight(store, copy(7, mailbox="News"), clock) == ARRIVED

    with_store(path, steps, clock=clock)


def test_a_message_that_left_by_itself_and_is_put_back_is_not_run_again(
    path: Path,
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("Lists"))))
        await store.mark_gone([message(1).key])
        assert await sight(store, copy(9), clock) == BACK

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(("minutes", "expected"), [(1, ARRIVED), (3, BACK)])
def test_what_is_found_gone_after_the_listing_was_put_back_unless_it_is_recent(
    path: Path, minutes: int, expected: Sighting
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("Lists"))))
        clock.forward(minutes=minutes)
        listed = clock.now()
        clock.forward(seconds=1)
        await store.mark_gone([message(1).key])
        assert (await store.see([copy(9)], listed))[copy(9).key] == expected

    with_store(path, steps, clock=clock)


def test_a_message_that_left_before_it_was_decided_is_decided_when_it_is_back(
    path: Path,
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.see([message(1)], NOON)
        await store.mark_gone([message(1).key])
        clock.forward(days=1)
        assert await sight(store, copy(9), clock) == ARRIVED

    with_store(path, steps, clock=clock)


def test_twins_that_arrive_together_are_both_arrivals(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        seen = await store.see([copy(1), copy(2)], NOON)
        assert set(seen.values()) == {ARRIVED}

    with_store(path, steps)


@pytest.mark.parametrize("effect", [FileInto("Lists"), READ])
def test_twins_in_a_backlog_are_both_arrivals(path: Path, effect: Effect) -> None:
    """The first was handled after the mailbox was listed: the second was there too."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        listed = clock.now()
        clock.forward(seconds=1)
        first, second = (copy(uid, received=LONG_AGO) for uid in (1, 2))
        await decide(store, (first, plan("k", effect)))
        await finish(store)
        clock.forward(minutes=30)
        assert (await store.see([second], listed))[second.key] == ARRIVED

    with_store(path, steps, clock=clock)


def test_a_twin_of_what_is_still_to_be_moved_is_an_arrival(path: Path) -> None:
    """However old: it was not away, so this is not the one that was put back."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        first, second = (copy(uid, received=LONG_AGO) for uid in (1, 2))
        await decide(store, (first, plan("k", FileInto("Lists"))))
        clock.forward(days=1)
        assert await sight(store, second, clock) == ARRIVED
        await finish(store)

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(
    ("minutes", "expected"), [(1, ARRIVED), (2, BACK), (60 * 24, BACK)]
)
@pytest.mark.parametrize("effects", [(), (READ,), (Copy("Old"),)])
def test_of_what_was_left_there_a_second_copy_is_one_that_comes_soon(
    path: Path, effects: tuple[Effect, ...], minutes: int, expected: Sighting
) -> None:
    """Nothing tells when a person takes it out and puts it back."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", *effects)))
        await finish(store)
        clock.forward(minutes=minutes)
        assert await sight(store, copy(2), clock) == expected

    with_store(path, steps, clock=clock)


def test_a_move_that_failed_left_the_message_there(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("Lists"))))
        await finish(store, EffectState.HELD)
        assert await sight(store, copy(2), clock) == ARRIVED
        clock.forward(minutes=2)
        assert await sight(store, copy(3), clock) == BACK

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(("minutes", "expected"), [(1, ARRIVED), (2, BACK)])
@pytest.mark.parametrize("uid", [5, None])
def test_what_postroom_put_there_may_be_put_back_too(
    path: Path, uid: int | None, minutes: int, expected: Sighting
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, placement=Placement("News", 7 if uid else None, uid))
        assert (await sight(store, copy(5, mailbox="News"), clock)).placed
        clock.forward(minutes=minutes)
        assert await sight(store, copy(9, mailbox="News"), clock) == expected

    with_store(path, steps, clock=clock)


def test_a_claim_does_not_make_the_move_look_younger(path: Path) -> None:
    """The target's watcher is slower than the person who puts it back."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, placement=Placement("News", 7, 5))
        clock.forward(seconds=1)
        listed = clock.now()
        assert (await sight(store, copy(5, mailbox="News"), clock)).placed
        assert (await store.see([copy(9)], listed))[copy(9).key] == BACK

    with_store(path, steps, clock=clock)


def test_without_a_message_id_nothing_is_taken_for_put_back(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        nameless = message(1, message_id="")
        await decide(store, (nameless, plan("k", FileInto("Lists"))))
        await finish(store)
        clock.forward(days=1)
        assert await sight(store, message(2, message_id=""), clock) == ARRIVED

    with_store(path, steps, clock=clock)


# -- numbered anew ---------------------------------------------------------------------


def test_a_message_is_known_again_after_its_mailbox_was_renumbered(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        first = message(1), plan("k", FileInto("Lists"))
        await decide(store, first, (message(2), Plan()), (message(3), Plan()))
        await store.mark_gone([message(3).key])
        same = [
            message(uid + 50, uidvalidity=8, message_id=f"<{uid}@example.org>")
            for uid in (1, 2, 3)
        ]
        new = message(54, uidvalidity=8)
        assert await store.unknown([*same, new, message(1)]) == {new.key}

    with_store(path, steps)


def test_what_was_not_decided_is_not_known(path: Path) -> None:
    """It is decided under its new name: undecided, put aside, gone before."""

    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(uid) for uid in (1, 2, 3)], NOON)
        failed = Decision(message(2), failure="unreadable", final=True)
        await store.commit(run, [failed], None)
        await store.mark_gone([message(3).key])
        renumbered = [
            message(uid + 50, uidvalidity=8, message_id=f"<{uid}@example.org>")
            for uid in (1, 2, 3)
        ]
        assert await store.unknown(renumbered) == {each.key for each in renumbered}

    with_store(path, steps)


@pytest.mark.parametrize(
    "name", ["<\udcff\udc80@x>", "<nul\0@x>", "<ü@x>", "", "a" * 5000]
)
def test_a_hostile_message_id_is_kept_and_recognised(path: Path, name: str) -> None:
    arrival = message(1, message_id=name)
    renumbered = message(9, uidvalidity=8, message_id=name)

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival, Plan()))
        assert await store.unknown([renumbered]) == frozenset()

    with_store(path, steps)
