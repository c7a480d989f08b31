"""One answer to one sender in a period."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.mail.envelope import Retry
from postroom.ports import (
    Decision,
    DeliveryState,
    EffectState,
    HoldKind,
    MessageState,
    NotSent,
)
from postroom.rules.effects import Delete, Send, Window
from postroom.store.notes import CLOCK_WAS_SET
from postroom.store.store import SqlStore
from postroom.store.windows import KEPT_WINDOWS
from tests.store.samples import (
    NOON,
    RULES,
    StillClock,
    cursor,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

WEEK = timedelta(days=7)
ANSWERED = "not sent: ann@example.org was answered on 2026-03-01"


def answer(
    address: str = "ann@example.org", handle: str = "away", period: timedelta = WEEK
) -> Send:
    """An answer to this sender."""
    window = Window(handle, address, period)
    return Send(outgoing(address, retry=Retry.AT_MOST_ONCE), window)


async def answers(store: SqlStore, uid: int, sending: Send) -> bool:
    """Decide to send this; True if it is to be sent."""
    before = len(await store.due(NOON, 99_999))
    await decide(store, (message(uid), plan(f"k{uid}", sending)))
    return len(await store.due(NOON, 99_999)) > before


async def hold_answers(store: SqlStore, *sendings: Send) -> None:
    """Decide to send these, each to be removed then, for messages that are held."""
    for uid, sending in enumerate(sendings, 1):
        await store.note_arrived([message(uid)], "60 are unknown")
        planned = plan(f"h{uid}", sending, Delete(forever=True))
        await decide(store, (message(uid), planned), at=cursor(uid))


def windows(path: Path) -> list[tuple[str, str]]:
    """Handle and address of all windows that are kept."""
    query = "SELECT handle, address FROM reply_window ORDER BY handle, address"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_a_second_answer_in_the_period_is_done_not_sent_and_says_so(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        assert await answers(store, 1, answer())
        assert not await answers(store, 2, answer())
        (second, first) = sorted(
            await store.history(), key=lambda each: each.key.uid, reverse=True
        )
        (told,) = second.effects
        assert (told.state, told.detail) == (EffectState.DONE, ANSWERED)
        assert second.state is MessageState.ACKNOWLEDGED
        assert first.effects[0].state is EffectState.PLANNED
        assert len(await store.list_deliveries()) == 1

    with_store(path, steps)


def test_of_two_messages_of_one_batch_only_the_first_is_answered(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        first, second = message(1), message(2)
        planned = (first, plan("k", answer())), (second, plan("l", answer()))
        await decide(store, *planned)
        assert len(await store.due(NOON, 9)) == 1
        states = {each.key.uid: each.state for each in await store.history()}
        assert states == {1: MessageState.DECIDED, 2: MessageState.ACKNOWLEDGED}

    with_store(path, steps)


@pytest.mark.parametrize(
    "other",
    [
        answer("bob@example.org"),
        answer(handle="ill"),
    ],
)
def test_another_sender_or_another_kind_of_answer_has_its_own_window(
    path: Path, other: Send
) -> None:
    async def steps(store: SqlStore) -> None:
        assert await answers(store, 1, answer())
        assert await answers(store, 2, other)

    with_store(path, steps)


def test_a_commit_tells_what_is_not_sent(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        messages = [message(1), message(2)]
        await store.see(messages, NOON)
        decisions = [
            Decision(each, plan(f"k{each.key.uid}", answer())) for each in messages
        ]
        (told,) = await store.commit(run, decisions, None)
        assert told == NotSent(messages[1].key, "Invoices", ANSWERED)
        assert await store.commit(run, decisions, None) == ()

    with_store(path, steps)


def test_a_window_is_looked_at_and_not_taken(path: Path) -> None:
    asked = Window("away", "Ann@Example.org", WEEK)

    async def steps(store: SqlStore) -> None:
        assert await store.answered("home", asked, NOON) is None
        assert await answers(store, 1, answer())
        assert await store.answered("home", asked, NOON) == NOON
        assert await store.answered("home", asked, NOON + WEEK) is None
        assert await store.answered("work", asked, NOON) is None
        assert await store.answered("home", replace(asked, handle="ill"), NOON) is None

    with_store(path, steps)


def test_accounts_answer_for_themselves(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", answer())))
        await decide(store, (message(1, account="work"), plan("k", answer())))
        assert len(await store.due(NOON, 9)) == 2

    with_store(path, steps)


def test_an_address_is_the_same_in_capitals(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await answers(store, 1, answer("Ann@Example.ORG"))
        assert not await answers(store, 2, answer())

    with_store(path, steps)


@pytest.mark.parametrize(
    ("hours", "is_answered"),
    [(7 * 24 - 1, False), (7 * 24 + 1, True), (-1, False), (-8 * 24, True)],
)
def test_after_the_period_and_after_a_clock_that_was_wrong_there_is_an_answer(
    path: Path, hours: int, is_answered: bool
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        assert await answers(store, 1, answer())
        clock.forward(hours=hours)
        assert await answers(store, 2, answer()) is is_answered
        assert not await answers(store, 3, answer())

    with_store(path, steps, clock=clock)


def test_a_commit_that_comes_again_takes_no_window_twice(path: Path) -> None:
    """And what is decided again, after a crash, is not its own predecessor."""

    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        planned = [Decision(message(1), plan("k", answer()))]
        await store.commit(run, planned, None)
        await store.commit(run, planned, None)
        assert len(await store.due(NOON, 9)) == 1
        (handled,) = await store.history()
        assert handled.effects[0].state is EffectState.PLANNED

    with_store(path, steps)


def test_a_message_that_is_held_takes_no_window(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_arrived([message(1)], "60 are unknown")
        assert not await answers(store, 1, answer())
        assert await answers(store, 2, answer())

    with_store(path, steps)


def test_of_answers_that_were_held_one_goes_out_when_they_are_released(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await hold_answers(store, answer(), answer(), answer("bob@example.org"))
        assert await store.release(HoldKind.RULE, "Invoices")
        due = await store.due(NOON, 9)
        assert [(each.id, each.recipient) for each in due] == [
            (1, "ann@example.org"),
            (3, "bob@example.org"),
        ]
        second = (await store.show_delivery(2)).report
        assert second.state is DeliveryState.WITHDRAWN
        (told,) = [each for each in await store.history() if each.key.uid == 2]
        answered, expunge = told.effects
        assert (answered.state, answered.detail) == (EffectState.DONE, ANSWERED)
        assert expunge.state is EffectState.PLANNED
        assert not await answers(store, 9, answer()), "the window is taken now"
        assert not await store.release(HoldKind.RULE, "Invoices")

    with_store(path, steps)


def test_what_was_answered_while_it_was_held_is_not_answered_again(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await hold_answers(store, answer())
        assert await answers(store, 9, answer())
        assert await store.release(HoldKind.RULE, "Invoices")
        assert [each.id for each in await store.due(NOON, 9)] == [2]

    with_store(path, steps)


def test_a_period_that_ended_while_it_was_held_is_over(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        assert await answers(store, 9, answer())
        await hold_answers(store, answer())
        clock.forward(days=8)
        assert await store.release(HoldKind.RULE, "Invoices")
        assert [each.id for each in await store.due(clock.now(), 9)] == [1, 2]

    with_store(path, steps, clock=clock)


def test_a_batch_that_fails_takes_no_window(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        planned = Decision(message(1), plan("k", answer()))
        await store.commit(run, [planned], None)

    async def fail(store: SqlStore) -> None:
        await store.see([message(1)], NOON)
        with pytest.raises(Exception, match="no run 99"):
            await store.commit(99, [Decision(message(1), plan("k", answer()))], None)

    with_store(path, fail)
    assert windows(path) == []
    with_store(path, steps)
    assert windows(path) == [("away", "ann@example.org")]


def test_the_oldest_windows_beyond_ten_thousand_are_forgotten(path: Path) -> None:
    with_store(path, lambda store: answers(store, 1, answer("first@x.org")))
    many = [
        (f"{n}@x.org", NOON.timestamp() * 10**6 + n) for n in range(1, KEPT_WINDOWS)
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO reply_window VALUES (1, 'away', ?, ?)", many
        )
    clock = StillClock()
    clock.forward(minutes=1)
    with_store(path, lambda store: answers(store, 2, answer("new@x.org")), clock=clock)
    kept = {address for _, address in windows(path)}
    assert len(kept) == KEPT_WINDOWS
    assert "first@x.org" not in kept
    assert {"new@x.org", "1@x.org"} <= kept


def test_no_window_ends_while_the_wall_clock_is_doubted(path: Path) -> None:
    """What a clock that was set wrong takes for next year may still be today."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        assert await answers(store, 1, answer())
        clock.forward(days=365)
        await store.notice(CLOCK_WAS_SET, "the wall clock was set")
        assert not await answers(store, 2, answer())
        assert await answers(store, 3, answer("bob@example.org"))
        await store.notice(CLOCK_WAS_SET, "")
        assert await answers(store, 4, answer())

    with_store(path, steps, clock=clock)
