"""The outbox as its owner sees it, and what he has done with deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import PermanentError, StoreError, Withdrawn
from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    EffectState,
    MessageState,
    Receipt,
)
from postroom.rules.effects import Delete, Send
from postroom.store.report import AttemptReport, DeliveryReport, Refusal
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    StillClock,
    cursor,
    decide,
    deliver,
    message,
    outgoing,
    plan,
    with_store,
)

LATER = NOON + timedelta(minutes=5)
BUSY = Receipt(DeliveryState.DELAYED, 451, "try again later")
REFUSED = Receipt(DeliveryState.FAILED, 550, "no such user")
FOREVER = Delete(forever=True)

Wish = Callable[[SqlStore], Awaitable[list[Refusal]]]


async def send(store: SqlStore, *recipients: str) -> None:
    """Decide to send one message to these, and to remove it for good then."""
    sending = Send(outgoing(*recipients))
    await decide(store, (message(1), plan("k", sending, FOREVER)), at=cursor(1))


async def bring_to(store: SqlStore, state: DeliveryState) -> None:
    """Have the first delivery come to this state."""
    match state:
        case DeliveryState.QUEUED:
            return
        case DeliveryState.DELAYED:
            await store.settle([DeliveryResult(1, BUSY, LATER)])
        case DeliveryState.SENDING:
            await store.mark_sending([1])
        case DeliveryState.WITHDRAWN:
            await store.drop_deliveries([1])
        case DeliveryState.BOUNCED:
            await deliver(store, await store.due(NOON, 1), DeliveryState.DELIVERED)
            await store.settle([DeliveryResult(1, Receipt(state, 550, "sent back"))])
        case _:
            await deliver(store, await store.due(NOON, 1), state)


async def state_of(store: SqlStore, id: int = 1) -> DeliveryState:
    """The state of a delivery."""
    return (await store.show_delivery(id)).report.state


async def effects_of(store: SqlStore) -> dict[str, tuple[EffectState, str]]:
    """State and detail of each effect of the one message, by its kind."""
    (handled,) = await store.history()
    return {each.kind: (each.state, each.detail) for each in handled.effects}


# -- to be looked at


def test_deliveries_are_listed_newest_first_by_state_and_only_so_many(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org", "cid@example.org")
        await bring_to(store, DeliveryState.DELAYED)
        newest, *_ = await store.list_deliveries()
        assert newest == DeliveryReport(
            id=3,
            outgoing=1,
            message=message(1).key,
            rule="Invoices",
            relay="home",
            sender="me@example.org",
            recipient="cid@example.org",
            message_id=outgoing().message_id,
            state=DeliveryState.QUEUED,
            attempts=0,
            next_attempt=NOON,
            code=0,
            reply="",
            created=NOON,
        )
        queued = await store.list_deliveries({DeliveryState.QUEUED}, 1)
        assert [each.id for each in queued] == [3]
        (delayed,) = await store.list_deliveries({DeliveryState.DELAYED})
        assert (delayed.code, delayed.reply) == (451, "try again later")
        assert delayed.next_attempt == LATER
        assert await store.list_deliveries(frozenset()) == []

    with_store(path, steps)


def test_a_delivery_is_shown_with_every_attempt_and_its_header(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        content = b"Subject: x\r\nTo: a\xff\r\n\r\nbody\r\n"
        sending = Send(outgoing(content=content))
        await decide(store, (message(1), plan("k", sending)))
        await bring_to(store, DeliveryState.DELAYED)
        clock.forward(minutes=5)
        await bring_to(store, DeliveryState.SENDING)
        shown = await store.show_delivery(1)
        assert shown.header == "Subject: x\r\nTo: a\ufffd"
        assert shown.tried == (
            AttemptReport(NOON, NOON, DeliveryState.DELAYED, 451, "try again later"),
            AttemptReport(clock.now(), None, None, 0, ""),
        )
        with pytest.raises(PermanentError, match="no delivery 9"):
            await store.show_delivery(9)

    with_store(path, steps, clock=clock)


def test_no_more_than_the_beginning_of_a_header_is_shown(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        sending = Send(outgoing(content=b"X: " + b"y" * 99_999))
        await decide(store, (message(1), plan("k", sending)))
        assert len((await store.show_delivery(1)).header) == 16 * 1024

    with_store(path, steps)


# -- to be changed


@pytest.mark.parametrize("state", DeliveryState)
def test_what_is_not_delivered_is_tried_again_at_once(
    path: Path, state: DeliveryState
) -> None:
    well = (
        DeliveryState.QUEUED,
        DeliveryState.SENDING,
        DeliveryState.DELIVERED,
        DeliveryState.WITHDRAWN,
    )

    async def steps(store: SqlStore) -> None:
        await send(store)
        await bring_to(store, state)
        refused = await store.retry_deliveries([1, 9, 1])
        assert refused[-1] == Refusal(9, "there is none")
        if state in well:
            assert refused[:-1] == [Refusal(1, f"it is {state}")]
            assert await state_of(store) is state
            return
        assert refused[:-1] == []
        (due,) = await store.due(NOON, 9)
        assert due.attempts == 0
        await deliver(store, [due], DeliveryState.DELIVERED)
        assert (await effects_of(store))["send"] == (EffectState.DONE, "")

    with_store(path, steps)


@pytest.mark.parametrize(
    "state", [DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.HELD]
)
def test_a_message_that_was_kept_may_go_once_a_second_try_went_well(
    path: Path, state: DeliveryState
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        await bring_to(store, state)
        assert (await effects_of(store))["expunge"][0] is EffectState.HELD
        await store.retry_deliveries([1])
        (handled,) = await store.history()
        assert handled.state is MessageState.DECIDED
        assert (await store.summary()).troubles == ()
        ready = await deliver(store, await store.due(NOON, 9), DeliveryState.DELIVERED)
        assert ready == {("home", "INBOX")}
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == FOREVER

    with_store(path, steps)


def test_what_waits_is_held_and_says_why(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        await bring_to(store, DeliveryState.DELAYED)
        assert await store.hold_deliveries([1, 2], "held by its owner") == []
        assert await store.next_due() is None
        assert (await store.show_delivery(1)).report.reply == "held by its owner"
        detail = "2 of 2 not delivered: held"
        assert (await effects_of(store))["send"] == (EffectState.HELD, detail)
        assert await store.hold_deliveries([1], "") == [Refusal(1, "it is held")]

    with_store(path, steps)


@pytest.mark.parametrize("state", DeliveryState)
def test_what_is_dropped_is_never_sent_and_its_message_is_kept(
    path: Path, state: DeliveryState
) -> None:
    kept = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)

    async def steps(store: SqlStore) -> None:
        await send(store)
        await bring_to(store, state)
        refused = await store.drop_deliveries([1])
        if state in kept:
            assert refused == [Refusal(1, f"it is {state}")]
            assert await state_of(store) is state
            return
        assert refused == []
        assert await store.next_due() is None
        withdrawn = EffectState.FAILED, "withdrawn by the owner"
        assert (await effects_of(store))["send"] == withdrawn
        assert await store.open_effects("home", "INBOX", 7) == []
        assert await store.retry_deliveries([1]) == [Refusal(1, "it is withdrawn")]

    with_store(path, steps)


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.FAILED])
def test_what_was_dropped_is_no_trouble_any_more(
    path: Path, state: DeliveryState
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store)
        await bring_to(store, state)
        await store.drop_deliveries([1])
        summary = await store.summary()
        assert (summary.troubles, summary.undelivered) == ((), ())
        assert summary.deliveries == {DeliveryState.WITHDRAWN: 1}
        expected = EffectState.HELD, "kept: withdrawn by the owner"
        assert (await effects_of(store))["expunge"] == expected
        assert (await store.history())[0].state is MessageState.SETTLED

    with_store(path, steps)


def test_with_one_recipient_dropped_the_other_is_still_served(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        await store.drop_deliveries([1])
        (due,) = await store.due(NOON, 9)
        assert due.recipient == "bob@example.org"
        assert (await effects_of(store))["send"][0] is EffectState.PLANNED
        await store.settle([DeliveryResult(2, REFUSED)])
        failed = EffectState.FAILED, "1 of 2 not delivered: failed"
        assert (await effects_of(store))["send"] == failed
        assert len((await store.summary()).troubles) == 2

    with_store(path, steps)


# -- while a sender is at it


@pytest.mark.parametrize(
    "take_away",
    [
        lambda store: store.hold_deliveries([2], "held by its owner"),
        lambda store: store.drop_deliveries([2]),
    ],
)
def test_what_its_owner_takes_away_meanwhile_is_not_sent_past_the_dot(
    path: Path, take_away: Wish
) -> None:
    async def steps(store: SqlStore) -> None:
        await send(store, "ann@example.org", "bob@example.org")
        await take_away(store)
        state = await state_of(store, 2)
        with pytest.raises(Withdrawn, match=f"delivery 2 is {state} by now"):
            await store.mark_sending([1, 2])
        results = [DeliveryResult(each, BUSY, LATER) for each in (1, 2)]
        await store.settle(results)
        assert await state_of(store, 1) is DeliveryState.DELAYED
        assert await state_of(store, 2) is state
        assert len((await store.show_delivery(2)).tried) == 1

    with_store(path, steps)


def test_a_store_that_is_only_read_changes_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await state_of(store) is DeliveryState.QUEUED
        with pytest.raises(StoreError, match="read only"):
            await store.drop_deliveries([1])

    with_store(path, send)
    with_store(path, steps, read_only=True)
