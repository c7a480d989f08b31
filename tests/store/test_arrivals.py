"""What is noted as arrived waits to be decided, and keeps why it is held."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import (
    Decision,
    DeliveryState,
    EffectState,
    MessageState,
    Placement,
    Sighting,
)
from postroom.rules.effects import FileInto, Send
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    StillClock,
    cursor,
    decide,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)

ARRIVED = Sighting(MessageState.SEEN, 1)
WHY = "the server numbered its messages anew, and 60 are unknown"
FORWARD = Send(outgoing())


def anew(uid: int, of: int, mailbox: str = "INBOX", uidvalidity: int = 8) -> Message:
    """The message that had UID `of`, after its mailbox was numbered anew."""
    name = f"<{of}@example.org>"
    return message(uid, mailbox=mailbox, uidvalidity=uidvalidity, message_id=name)


@pytest.mark.parametrize("held", ["", WHY])
def test_what_is_noted_is_decided_at_the_next_look_as_a_new_one(
    path: Path, held: str
) -> None:
    both = message(1), message(2)

    async def note(store: SqlStore) -> None:
        await store.note_arrived(both, held)
        await store.adopt("home", "INBOX", cursor(2))

    async def look(store: SqlStore) -> None:
        assert await store.undecided("home", "INBOX", 7) == [1, 2]
        told = await store.see(both, NOON)
        assert set(told.values()) == {ARRIVED}
        again = await store.see(both, NOON)
        assert {each.begun_before for each in again.values()} == {True}
        assert await store.begin_again(message(1).key) == 2

    with_store(path, note)
    with_store(path, look)


@pytest.mark.parametrize(
    ("held", "state"), [("", DeliveryState.QUEUED), (WHY, DeliveryState.HELD)]
)
def test_what_was_held_when_it_was_noted_is_held_when_it_is_decided(
    path: Path, held: str, state: DeliveryState
) -> None:
    """Whatever came between: a restart, attempts, a server that counts anew again."""

    async def note(store: SqlStore) -> None:
        await store.note_arrived([message(1)], held)

    async def go_on(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        await store.take_back([message(1).key])
        await store.see([message(1)], NOON)
        await store.commit(run, [Decision(message(1), failure="too odd")], None)
        assert await store.carry_over("home", "INBOX", [anew(50, of=1)]) == 1
        await store.note_arrived([anew(50, of=1)], "")
        await decide(store, (anew(50, of=1), plan("k", FORWARD)))
        assert (await store.summary()).deliveries == {state: 1}

    with_store(path, note)
    with_store(path, go_on)


def test_what_has_a_row_keeps_it_as_it_is(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.see([message(1)], NOON)
        await store.note_arrived([message(1), message(2)], WHY)
        told = await store.see([message(1), message(2)], NOON)
        assert told[message(1).key] == Sighting(MessageState.SEEN, 1, begun_before=True)
        assert told[message(2).key] == ARRIVED
        await decide(store, (message(1), plan("k", FORWARD)))
        assert (await store.summary()).deliveries == {DeliveryState.QUEUED: 1}

    with_store(path, steps)


# -- how many are unknown --------------------------------------------------------------


def test_after_a_break_as_many_are_unknown_as_before(path: Path) -> None:
    """Of what was carried over, decided or noted without a hold something is known."""
    decided, seen = anew(50, of=1), anew(51, of=2)
    strange, placed, free = anew(52, of=5), anew(53, of=6), anew(54, of=7)
    everything = [decided, seen, strange, placed, free]

    async def begin(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k")))
        await decide(store, (message(6, mailbox="Old"), plan("l", FileInto("INBOX"))))
        await store.see([message(2)], NOON)
        await store.carry_over("home", "INBOX", everything)
        found = await store.unknown(everything)
        assert found == {strange.key, placed.key, free.key}
        await store.note_arrived([strange, placed], WHY)
        await store.note_arrived([free])

    async def again(store: SqlStore) -> None:
        await store.carry_over("home", "INBOX", everything)
        assert await store.unknown(everything) == {strange.key, placed.key}
        told = await store.see([strange, placed], NOON)
        assert told[placed.key].state is MessageState.ACKNOWLEDGED
        await decide(store, (strange, Plan()))
        assert await store.unknown([strange]) == frozenset()

    with_store(path, begin)
    with_store(path, again)


# -- what is no arrival ----------------------------------------------------------------


@pytest.mark.parametrize("uid", [5, None])
def test_what_postroom_placed_is_no_arrival_after_its_mailbox_was_numbered_anew(
    path: Path, uid: int | None
) -> None:
    """Its watcher had not seen it before. Of two alike one is the placement."""
    placed, twin = (anew(each, of=1, mailbox="News") for each in (60, 61))

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, placement=Placement("News", uid and 7, uid))
        await store.adopt("home", "News", cursor(4, uidvalidity=7))
        await store.note_arrived([placed, twin], WHY)
        await store.adopt("home", "News", cursor(61, uidvalidity=8))
        assert await store.undecided("home", "News", 8) == [61]
        told = await store.see([placed, twin], NOON)
        assert told[placed.key].state is MessageState.ACKNOWLEDGED
        assert told[twin.key] == ARRIVED

    with_store(path, steps)


def test_what_was_put_back_meanwhile_is_no_arrival(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("Lists"))))
        await finish(store)
        clock.forward(minutes=5)
        recent = NOON + timedelta(minutes=5)
        other = message(51, uidvalidity=8, received=recent)
        await store.note_arrived([anew(50, of=1), other])
        await store.adopt("home", "INBOX", cursor(51, uidvalidity=8))
        assert await store.undecided("home", "INBOX", 8) == [51]

    with_store(path, steps, clock=clock)


def test_a_claim_that_was_wrong_brings_back_what_is_held(path: Path) -> None:
    """It was taken for a placement that the server then refused."""
    twin = anew(60, of=1, mailbox="News")

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await store.note_arrived([twin], WHY)
        await store.adopt("home", "News", cursor(60, uidvalidity=8))
        assert await store.undecided("home", "News", 8) == []
        await finish(store, EffectState.HELD)
        assert await store.undecided("home", "News", 8) == [60]
        await decide(store, (twin, plan("l", FORWARD)))
        assert (await store.summary()).deliveries == {DeliveryState.HELD: 1}

    with_store(path, steps)
