"""What has been seen, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import Decision, EffectState, MessageState, Sighting
from postroom.rules.effects import FileInto, Send
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    decide,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)


def test_an_undecided_message_is_told_apart_and_begun_again_alone(path: Path) -> None:
    arrivals = [message(1), message(2)]
    first = with_store(path, lambda store: store.see(arrivals, NOON))
    assert set(first.values()) == {Sighting(MessageState.SEEN, 1)}
    for attempt in (2, 3, 4):
        seen = with_store(path, lambda store: store.see(arrivals, NOON))
        assert seen[message(2).key] == _waiting(1)
        assert seen[message(1).key] == _waiting(attempt - 1)
        begun = with_store(path, lambda store: store.begin_again(message(1).key))
        assert begun == attempt


def test_an_attempt_that_is_taken_back_is_no_attempt(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(2), Plan()))
        for _ in range(5):
            seen = await store.see([message(1)], NOON)
            assert seen[message(1).key] == Sighting(MessageState.SEEN, 1)
            await store.take_back([message(1).key, message(2).key, message(3).key])
        await store.see([message(1)], NOON)
        assert await store.begin_again(message(1).key) == 2
        assert (await store.see([message(2)], NOON))[message(2).key].attempts == 1

    with_store(path, steps)


def test_what_does_not_wait_to_be_decided_can_not_be_begun_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), Plan()))
        for uid in (1, 2):
            with pytest.raises(StoreError, match="does not wait"):
                await store.begin_again(message(uid).key)

    with_store(path, steps)


def _waiting(attempts: int) -> Sighting:
    return Sighting(MessageState.SEEN, attempts, begun_before=True)


def test_a_message_that_was_decided_is_only_told(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        for _ in range(2):
            told = await store.see([message(1), message(2)], NOON)
            assert told[message(1).key] == Sighting(MessageState.DECIDED, 1)

    with_store(path, steps)


def test_the_same_uid_elsewhere_is_another_message(path: Path) -> None:
    others = [
        message(1, mailbox="News"),
        message(1, uidvalidity=8, message_id="<another@example.org>"),
        message(1, account="work"),
    ]

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), Plan()))
        seen = await store.see(others, NOON)
        assert set(seen.values()) == {Sighting(MessageState.SEEN, 1)}
        assert set(seen) == {other.key for other in others}

    with_store(path, steps)


def test_more_messages_than_a_statement_takes_are_seen_at_once(path: Path) -> None:
    arrivals = [message(uid) for uid in range(1, 1202)]

    async def steps(store: SqlStore) -> None:
        await store.see(arrivals, NOON)
        again = await store.see(arrivals, NOON)
        assert all(sighting.begun_before for sighting in again.values())
        assert len(again) == len(arrivals)

    with_store(path, steps)


def test_a_message_that_left_is_gone_and_its_mail_still_goes_out(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        effects = FileInto("News"), Send(outgoing())
        await decide(store, (message(1), plan("k", *effects)))
        await store.mark_gone([message(1).key, message(2).key])
        await store.mark_gone([message(1).key])
        assert await store.open_effects("home", "INBOX", 7) == []
        (handled,) = await store.history()
        assert handled.state is MessageState.GONE
        states = {effect.kind: effect.state for effect in handled.effects}
        assert states == {"move": EffectState.FAILED, "send": EffectState.PLANNED}
        assert await store.next_due() is not None

    with_store(path, steps)


def test_the_third_failure_ends_in_quarantine_with_its_reason(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        for attempt in (1, 2, 3):
            (sighting,) = (await store.see([message(1)], NOON)).values()
            if sighting.begun_before:
                assert await store.begin_again(message(1).key) == attempt
            decision = Decision(message(1), failure=f"failure {attempt}")
            await store.commit(run, [decision], None)
        (sighting,) = (await store.see([message(1)], NOON)).values()
        assert sighting == Sighting(MessageState.QUARANTINED, 3)
        (trouble,) = (await store.summary()).troubles
        assert (trouble.state, trouble.reason) == ("quarantined", "failure 3")

    with_store(path, steps)


def test_what_is_not_to_be_tried_again_is_put_aside_at_once(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1), message(2)], NOON)
        decisions = [
            Decision(message(1), failure="unreadable", final=True),
            Decision(message(2), failure="not now"),
        ]
        await store.commit(run, decisions, None)
        told = await store.see([message(1), message(2)], NOON)
        assert told[message(1).key] == Sighting(MessageState.QUARANTINED, 1)
        assert told[message(2).key] == _waiting(1)

    with_store(path, steps)


def test_a_decision_for_what_was_never_seen_is_refused(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        with pytest.raises(StoreError, match="before it was seen"):
            await store.commit(run, [Decision(message(1), Plan())], None)

    with_store(path, steps)


def test_a_finished_message_is_acknowledged(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store)
        (sighting,) = (await store.see([message(1)], NOON)).values()
        assert sighting.state is MessageState.ACKNOWLEDGED

    with_store(path, steps)
