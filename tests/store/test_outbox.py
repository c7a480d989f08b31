"""Deliveries: due, sent, settled, and found again after a crash."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.mail.envelope import Retry
from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    DueDelivery,
    EffectState,
    MessageState,
    Receipt,
)
from postroom.rules.effects import Send
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    StillClock,
    decide,
    deliver,
    message,
    outgoing,
    plan,
    with_store,
)

LATER = NOON + timedelta(minutes=5)
BUSY = Receipt(DeliveryState.DELAYED, 451, "4.3.0 try again later")
LOST = Receipt(DeliveryState.UNKNOWN)


def attempts(path: Path) -> list[tuple[object, ...]]:
    """What the database holds of all attempts."""
    columns = "outcome, charged, code, reply, ended IS NOT NULL"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM attempt").fetchall()


async def send(
    store: SqlStore, *recipients: str, retry: Retry = Retry.AT_LEAST_ONCE
) -> None:
    """Decide to send one message to these."""
    sending = Send(outgoing(*recipients, retry=retry))
    await decide(store, (message(1), plan("k", sending)))


def test_a_decided_message_is_due_at_once_as_it_was_written(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org", "ann@example.org")
        ann, bob = await store.due(NOON, 10)
        assert ann == DueDelivery(1, 1, "home", "ann@example.org", 0, NOON)
        assert bob.recipient == "bob@example.org"
        sent = await store.outgoing(ann.outgoing_id)
        assert sent == outgoing("ann@example.org", "bob@example.org")
        with pytest.raises(StoreError, match="no outgoing message 9"):
            await store.outgoing(9)

    with_store(path, steps)


def test_what_is_due_comes_oldest_first_grouped_and_limited(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        for uid in (1, 2, 3):
            both = Send(outgoing(f"a{uid}@x.org", f"b{uid}@x.org"))
            await decide(store, (message(uid), plan(f"k{uid}", both)))
            clock.forward(seconds=1)
        due = await store.due(clock.now(), 5)
        names = [each.recipient for each in due]
        assert names == ["a1@x.org", "b1@x.org", "a2@x.org", "b2@x.org", "a3@x.org"]

    with_store(path, steps, clock=clock)


def test_one_relays_deliveries_are_told_apart_from_anothers(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        home = Send(outgoing("a@x.org"))
        work = Send(outgoing("b@x.org", relay="work"))
        await decide(store, (message(1), plan("k", home, work)))
        (due,) = await store.due(NOON, 10, "work")
        assert due.recipient == "b@x.org"
        assert await store.next_due("work") == NOON
        assert await store.next_due("none") is None

    with_store(path, steps)


def test_relays_for_which_deliveries_wait_are_told_with_how_many(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await store.waiting_relays() == {}
        home = Send(outgoing("a@x.org", "b@x.org", "c@x.org", "d@x.org"))
        work = Send(outgoing("e@x.org", relay="work"))
        await decide(store, (message(1), plan("k", home, work)))
        first, second, third, *_ = await store.due(NOON, 10, "home")
        await deliver(store, [first], DeliveryState.DELIVERED)
        await store.mark_sending([second.id])
        await store.settle([DeliveryResult(third.id, BUSY, LATER)])
        assert await store.waiting_relays() == {"home": 2, "work": 1}
        assert (await store.summary()).relays == {"home": 2, "work": 1}
        await store.hold_deliveries([first.id, third.id], "later")
        on_its_way = {DeliveryState.QUEUED: 2, DeliveryState.SENDING: 1}
        assert await store.outbox() == on_its_way | {DeliveryState.HELD: 1}

    with_store(path, steps)


@pytest.mark.parametrize("hours", [-1, -7200])
def test_a_clock_that_was_set_back_does_not_strand_what_is_queued(
    path: Path, hours: int
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store)
        clock.forward(hours=hours)
        assert len(await store.due(clock.now(), 10)) == 1
        assert await store.next_due() == clock.now()

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(
    ("hours", "is_due"), [(-0.05, False), (-1.8, False), (-2.1, True), (-9999, True)]
)
def test_a_delay_that_no_schedule_gives_is_not_waited_for(
    path: Path, hours: float, is_due: bool
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store)
        await store.settle([DeliveryResult(1, BUSY, LATER)])
        clock.forward(hours=hours)
        assert bool(await store.due(clock.now(), 10)) is is_due
        assert await store.next_due() == (clock.now() if is_due else LATER)

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(
    ("hours", "is_due"), [(0, False), (23.9, False), (24, True), (-0.1, True)]
)
def test_a_limit_for_a_day_is_waited_for_unless_the_clock_was_set_back(
    path: Path, hours: float, is_due: bool
) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store)
        tomorrow = NOON + timedelta(days=1)
        await store.settle([DeliveryResult(1, BUSY, tomorrow)])
        clock.forward(hours=hours)
        assert bool(await store.due(clock.now(), 10)) is is_due
        assert await store.next_due() == (clock.now() if is_due else tomorrow)

    with_store(path, steps, clock=clock)


def test_a_delivery_is_charged_delayed_and_due_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        (due,) = await store.due(NOON, 10)
        await store.settle([DeliveryResult(due.id, BUSY, LATER)])
        assert await store.due(NOON, 10) == []
        assert await store.next_due() == LATER
        (again,) = await store.due(LATER, 10)
        assert again.attempts == 1
        refused = DeliveryResult(due.id, BUSY, LATER, charged=False)
        await store.settle([refused])
        (again,) = await store.due(LATER, 10)
        assert again.attempts == 1

    with_store(path, steps)
    told = (451, "4.3.0 try again later", 1)
    assert attempts(path) == [("delayed", 1, *told), ("delayed", 0, *told)]


def test_a_delay_without_an_end_is_refused(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        with pytest.raises(StoreError, match="until when"):
            await store.settle([DeliveryResult(1, BUSY)])
        with pytest.raises(StoreError, match="no deliveries"):
            await store.settle([DeliveryResult(9, BUSY, LATER)])

    with_store(path, steps)


def test_the_message_ends_when_the_last_recipient_has_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        ann, bob = await store.due(NOON, 10)
        await deliver(store, [ann], DeliveryState.DELIVERED)
        (handled,) = await store.history()
        assert handled.state is MessageState.DECIDED
        assert handled.effects[0].state is EffectState.DOING
        await deliver(store, [bob], DeliveryState.DELIVERED)
        (handled,) = await store.history()
        assert handled.state is MessageState.ACKNOWLEDGED
        assert await store.next_due() is None
        assert (await store.summary()).deliveries == {DeliveryState.DELIVERED: 2}

    with_store(path, steps)
    assert attempts(path) == [("delivered", 1, 250, "so it is", 1)] * 2


def test_one_refused_recipient_fails_the_effect_after_the_others_end(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        ann, bob = await store.due(NOON, 10)
        refusal = Receipt(DeliveryState.FAILED, 550, "5.1.1 no such user")
        await store.settle([DeliveryResult(ann.id, refusal)])
        assert (await store.history())[0].state is MessageState.DECIDED
        await deliver(store, [bob], DeliveryState.DELIVERED)
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        assert handled.effects[0].state is EffectState.FAILED
        assert handled.effects[0].detail == "1 of 2 not delivered: failed"

    with_store(path, steps)


def test_a_delivered_delivery_is_never_sent_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        (due,) = await store.due(NOON, 10)
        await deliver(store, [due], DeliveryState.DELIVERED)
        with pytest.raises(StoreError, match="from delivered to sending"):
            await store.mark_sending([due.id])

    with_store(path, steps)


def test_a_delivery_past_the_dot_is_neither_due_nor_marked_twice(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        await store.mark_sending([1])
        assert await store.due(LATER, 10) == []
        assert await store.next_due() is None
        with pytest.raises(StoreError, match="from sending to sending"):
            await store.mark_sending([1])

    with_store(path, steps)


def test_after_a_crash_a_forward_is_queued_again_and_its_attempt_is_known(
    path: Path,
) -> None:
    async def crash(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        await store.mark_sending([1])

    async def restart(store: SqlStore) -> None:
        assert await store.recover(LATER) == 1
        assert await store.recover(LATER) == 0
        due = await store.due(LATER, 10)
        assert [(each.id, each.attempts) for each in due] == [(1, 1), (2, 0)]
        counts = (await store.summary()).deliveries
        assert counts == {DeliveryState.QUEUED: 2}

    with_store(path, crash)
    with_store(path, restart)
    lost = "the daemon ended before the reply to the final dot"
    assert attempts(path) == [("unknown", 1, 0, lost, 1)]


def test_only_what_was_sent_to_a_relay_that_is_left_is_settled(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        elsewhere = Send(outgoing("bob@example.org", relay="work"))
        await decide(store, (message(2), plan("l", elsewhere)))
        await store.mark_sending([1, 2])
        assert await store.recover(LATER, "none") == 0
        assert await store.recover(LATER, "home") == 1
        assert [each.id for each in await store.due(LATER, 10)] == [1]
        tried = (await store.show_delivery(1)).tried[0]
        told = "sending to this relay ended before the reply to the final dot"
        assert (tried.outcome, tried.reply) == (DeliveryState.UNKNOWN, told)
        assert await store.recover(LATER) == 1

    with_store(path, steps)


def test_after_a_crash_a_reply_stays_unknown_and_is_shown(path: Path) -> None:
    async def crash(store: SqlStore) -> None:
        await send(store, retry=Retry.AT_MOST_ONCE)
        await store.mark_sending([1])

    async def restart(store: SqlStore) -> None:
        assert await store.recover(LATER) == 1
        assert await store.next_due() is None
        assert (await store.summary()).deliveries == {DeliveryState.UNKNOWN: 1}
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        assert handled.effects[0].state is EffectState.HELD

    with_store(path, crash)
    with_store(path, restart)


@pytest.mark.parametrize(
    ("retry", "next_attempt", "state"),
    [
        (Retry.AT_LEAST_ONCE, LATER, DeliveryState.DELAYED),
        (Retry.AT_LEAST_ONCE, None, DeliveryState.UNKNOWN),
        (Retry.AT_MOST_ONCE, LATER, DeliveryState.UNKNOWN),
    ],
)
def test_no_reply_after_the_dot_is_treated_by_the_policy(
    path: Path, retry: Retry, next_attempt: datetime | None, state: DeliveryState
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, retry=retry)
        await store.mark_sending([1])
        await store.settle([DeliveryResult(1, LOST, next_attempt)])
        assert (await store.summary()).deliveries == {state: 1}
        expected = next_attempt if state is DeliveryState.DELAYED else None
        assert await store.next_due() == expected

    with_store(path, steps)
    assert attempts(path) == [("unknown", 1, 0, "", 1)]
