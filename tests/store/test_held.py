"""What is held when it is decided waits for its owner, and nothing of it goes out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    EffectState,
    MessageState,
    Receipt,
)
from postroom.rules.effects import Delete, Effect, FileInto, Perform, Send, SetFlags
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

WHY = "the server numbered its messages anew, and 60 are unknown"
READ = SetFlags(frozenset({"\\Seen"}))
FORWARD = Send(outgoing("ann@example.org", "bob@example.org"))
FOREVER = Delete(forever=True)


async def decide_held(store: SqlStore, *effects: Effect) -> None:
    """Commit a plan of these for a message of which nothing may go out."""
    await store.note_arrived([message(1)], WHY)
    await decide(store, (message(1), plan("k", *effects)))


async def effects_of(store: SqlStore) -> dict[str, tuple[EffectState, str]]:
    """State and detail of each effect of the one message, by its kind."""
    (handled,) = await store.history()
    return {each.kind: (each.state, each.detail) for each in handled.effects}


def test_held_deliveries_are_recorded_and_never_due(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide_held(store, FORWARD)
        assert await store.due(NOON, 10) == []
        assert await store.next_due() is None
        assert await store.waiting_relays() == {}
        assert await store.outgoing(1) == FORWARD.outgoing
        summary = await store.summary()
        assert summary.deliveries == {DeliveryState.HELD: 2}
        assert {each.recipient for each in summary.undelivered} == {
            "ann@example.org",
            "bob@example.org",
        }
        for each in summary.undelivered:
            assert (each.state, each.reply) == (DeliveryState.HELD, WHY)
            assert each.next_attempt is None

    with_store(path, steps)


def test_a_restart_leaves_them_alone(path: Path) -> None:
    with_store(path, lambda store: decide_held(store, FORWARD))

    async def steps(store: SqlStore) -> None:
        assert await store.recover(NOON) == 0
        assert (await store.summary()).deliveries == {DeliveryState.HELD: 2}
        assert await effects_of(store) == {"send": (EffectState.HELD, WHY)}

    with_store(path, steps)


def test_the_message_is_kept_and_says_why(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide_held(store, FORWARD, FOREVER)
        assert await store.open_effects("home", "INBOX", 7) == []
        assert await effects_of(store) == {
            "send": (EffectState.HELD, WHY),
            "expunge": (EffectState.HELD, "kept: send of rule 'Invoices' is held"),
        }
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        assert WHY in {each.reason for each in (await store.summary()).troubles}

    with_store(path, steps)


def test_what_is_done_in_mailboxes_is_not_held(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide_held(store, FORWARD, READ, FileInto("News"))
        opened = await store.open_effects("home", "INBOX", 7)
        assert [each.effect for each in opened] == [READ, FileInto("News")]

    with_store(path, steps)


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Perform("{}", action="webhook"), WHY),
        (Send(outgoing("")), WHY),
        (Delete(), "it was not known which mailbox is the Trash"),
    ],
)
def test_each_effect_that_is_held_says_why(
    path: Path, effect: Effect, reason: str
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide_held(store, effect)
        (told,) = (await effects_of(store)).values()
        assert told == (EffectState.HELD, reason)

    with_store(path, steps)


def test_of_a_batch_only_what_is_held_waits(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_arrived([message(1)], WHY)
        held = message(1), plan("k", Send(outgoing("ann@x.org")))
        await decide(store, held, (message(2), plan("l", Send(outgoing("bob@x.org")))))
        assert [each.recipient for each in await store.due(NOON, 9)] == ["bob@x.org"]

    with_store(path, steps)


def test_once_released_they_go_out_and_the_message_may_go_as_well(path: Path) -> None:
    """Along edges that deliveries and effects have anyway."""
    with_store(path, lambda store: decide_held(store, FORWARD, FOREVER))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE delivery SET state = 'queued'")
        connection.execute("UPDATE effect SET state = 'planned'")

    async def steps(store: SqlStore) -> None:
        due = await store.due(NOON, 10)
        await store.mark_sending([each.id for each in due])
        sent = Receipt(DeliveryState.DELIVERED, 250, "taken")
        results = [DeliveryResult(each.id, sent) for each in due]
        assert await store.settle(results) == {("home", "INBOX")}
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == FOREVER

    with_store(path, steps)
