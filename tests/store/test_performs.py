"""Performs: due, begun, and found again after a crash."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import ContentError, StoreError
from postroom.ports import (
    EffectState,
    HoldKind,
    MessageState,
    OpenPerform,
    PerformResult,
)
from postroom.rules.effects import Delete, FileInto, Perform
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    StillClock,
    cursor,
    decide,
    message,
    plan,
    with_store,
)

CALL = Perform('{"to":"x"}', action="webhook", options='{"url":"https://x.org"}')
WHOLE = replace(CALL, needs_bytes=True)
LATER = NOON + timedelta(minutes=5)


async def call(store: SqlStore, *uids: int) -> None:
    """Decide to perform this for each of these messages."""
    for uid in uids or (1,):
        await decide(store, (message(uid), plan(f"k{uid}", CALL)))


async def begin(store: SqlStore) -> OpenPerform:
    """Begin the first that is due."""
    due, *_ = await store.due_performs(NOON, 9)
    assert await store.begin_perform(due.id)
    return due


def test_what_is_planned_is_due_at_once_as_it_was_written(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await call(store)
        (due,) = await store.due_performs(NOON, 9)
        assert due == OpenPerform(1, due.key, message(1).key, "Invoices", CALL, 0, NOON)
        assert due.key
        assert await store.next_perform() == NOON
        assert await store.perform_content(due.id) is None
        assert await store.open_effects("home", "INBOX", 7) == []

    with_store(path, steps)


def test_what_is_due_comes_oldest_first_and_only_so_many(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await call(store, 3, 1, 2)
        due = await store.due_performs(NOON, 2)
        assert [each.message.uid for each in due] == [3, 1]

    with_store(path, steps)


def test_the_octets_it_needs_are_kept(path: Path) -> None:
    raw = b"Subject: x\r\n\r\n" + bytes(range(256)) * 2048
    whole = replace(message(1), content=raw)

    async def steps(store: SqlStore) -> None:
        await decide(store, (whole, plan("k", WHOLE)))
        await store.mark_gone([whole.key])
        (due,) = await store.due_performs(NOON, 9)
        assert await store.perform_content(due.id) == raw

    with_store(path, steps)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE content_chunk SET octets = x'00'")

    async def damaged(store: SqlStore) -> None:
        with pytest.raises(ContentError, match="damaged"):
            await store.perform_content(1)

    with_store(path, damaged)


def test_one_that_was_begun_and_not_ended_is_due_again_and_counted(
    path: Path,
) -> None:
    async def crash(store: SqlStore) -> None:
        await call(store)
        await begin(store)

    async def restart(store: SqlStore) -> None:
        assert await store.next_perform() == NOON
        again = await begin(store)
        assert (again.attempts, again.begun) == (1, 1)
        (third,) = await store.due_performs(NOON, 9)
        assert (third.attempts, third.key) == (2, again.key)

    async def give_up(store: SqlStore) -> None:
        held = PerformResult(1, EffectState.HELD, "begun 3 times and never ended")
        await store.finish_performs([held])
        assert await store.release(HoldKind.RULE, "Invoices")
        (anew,) = await store.due_performs(NOON, 9)
        assert (anew.attempts, anew.begun) == (0, 0)

    with_store(path, crash)
    with_store(path, restart)
    with_store(path, give_up)


def test_one_that_is_done_is_never_due_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await call(store)
        due = await begin(store)
        done = PerformResult(due.id, EffectState.DONE)
        assert await store.finish_performs([done]) == frozenset()
        assert await store.due_performs(LATER, 9) == []
        assert await store.next_perform() is None
        (handled,) = await store.history()
        assert handled.state is MessageState.ACKNOWLEDGED

    with_store(path, steps)


@pytest.mark.parametrize(
    "state", [EffectState.DONE, EffectState.FAILED, EffectState.HELD]
)
def test_what_is_not_open_any_more_is_not_begun(path: Path, state: EffectState) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(2), plan("l", FileInto("News"))), at=cursor(2))
        await call(store)
        due = await begin(store)
        await store.finish_performs([PerformResult(due.id, state, "so it is")])
        before = await store.history()
        assert not await store.begin_perform(due.id)
        assert not await store.begin_perform(99)
        (filing,) = await store.open_effects("home", "INBOX", 7)
        assert not await store.begin_perform(filing.id)
        assert await store.history() == before

    with_store(path, steps)


def test_one_that_is_planned_again_is_due_at_its_time(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await call(store)
        due = await begin(store)
        again = PerformResult(due.id, EffectState.PLANNED, "503", LATER)
        await store.finish_performs([again])
        assert await store.due_performs(NOON, 9) == []
        assert await store.next_perform() == LATER
        (later,) = await store.due_performs(LATER, 9)
        assert (later.attempts, later.begun) == (1, 0)
        (handled,) = await store.history()
        assert handled.effects[0].detail == "503"
        assert handled.state is MessageState.DECIDED
        await store.begin_perform(due.id)
        assert len(await store.due_performs(NOON, 9)) == 1, "it was begun"
        endless = PerformResult(due.id, EffectState.PLANNED)
        with pytest.raises(StoreError, match="until when"):
            await store.finish_performs([endless])

    with_store(path, steps)


@pytest.mark.parametrize(
    ("hours", "is_due"), [(-0.05, False), (-1.8, False), (-2.1, True), (-9999, True)]
)
def test_a_clock_that_was_set_back_delays_no_retry_for_long(
    path: Path, hours: float, is_due: bool
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await call(store)
        due = await begin(store)
        again = PerformResult(due.id, EffectState.PLANNED, "503", LATER)
        await store.finish_performs([again])
        clock.forward(hours=hours)
        assert bool(await store.due_performs(clock.now(), 9)) is is_due
        assert await store.next_perform() == (clock.now() if is_due else LATER)

    with_store(path, steps, clock=clock)


def test_a_clock_that_was_set_back_delays_no_first_attempt(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await call(store)
        clock.forward(hours=-1)
        assert len(await store.due_performs(clock.now(), 9)) == 1

    with_store(path, steps, clock=clock)


def test_an_expunge_waits_until_it_is_done(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        planned = plan("k", CALL, Delete(forever=True))
        await decide(store, (message(1), planned))
        assert await store.open_effects("home", "INBOX", 7) == []
        due = await begin(store)
        done = PerformResult(due.id, EffectState.DONE)
        assert await store.finish_performs([done]) == {("home", "INBOX")}
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == Delete(forever=True)

    with_store(path, steps)


@pytest.mark.parametrize("state", [EffectState.FAILED, EffectState.HELD])
def test_one_that_is_not_done_keeps_the_message_and_is_shown(
    path: Path, state: EffectState
) -> None:
    async def steps(store: SqlStore) -> None:
        planned = plan("k", CALL, Delete(forever=True))
        await decide(store, (message(1), planned))
        due = await begin(store)
        ended = PerformResult(due.id, state, "404")
        assert await store.finish_performs([ended]) == frozenset()
        assert await store.open_effects("home", "INBOX", 7) == []
        assert await store.next_perform() is None
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        reasons = {each.reason for each in (await store.summary()).troubles}
        assert reasons == {"404", f"kept: perform of rule 'Invoices' is {state}"}

    with_store(path, steps)


def test_what_is_held_when_it_is_decided_is_not_due(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_arrived([message(1)], "60 are unknown")
        await call(store)
        assert await store.due_performs(NOON, 9) == []
        (handled,) = await store.history()
        assert handled.effects[0].state is EffectState.HELD
        assert handled.effects[0].detail == "60 are unknown"

    with_store(path, steps)
