"""What is kept about an address is erased, and nothing runs again for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import PermanentError
from postroom.ports import Decision, DeliveryState, MessageState
from postroom.rules.effects import FileInto, Send, Window
from postroom.rules.plan import ConditionTrace, Plan, RuleTrace
from postroom.store.integrity import find_faults
from postroom.store.named import ERASED
from postroom.store.store import SqlStore
from postroom.store.upkeep import empty_log
from tests.store.samples import (
    NOON,
    RULES,
    cursor,
    decide,
    deliver,
    message,
    outgoing,
    plan,
    with_store,
)

ANN = "ann@example.org"
# Others, whose addresses contain it.
OTHERS = ("joann@example.org", "x.ann@example.org", "ann@example.org.uk")
ANSWER = Send(
    outgoing(ANN, content=b"To: Ann@Example.ORG\r\n\r\nThank you.\r\n"),
    Window("answer", ANN, timedelta(days=7)),
)


def traced(*seen: str) -> Plan:
    """A plan whose trace names these."""
    asked = tuple(ConditionTrace("from", holds=True, seen=each) for each in seen)
    made = plan("k", ANSWER)
    return Plan(made.effects, (RuleTrace("Answer", matched=True, conditions=asked),))


async def answer(store: SqlStore) -> None:
    """Ann wrote, and is being answered."""
    await decide(store, (message(1), traced(ANN, *OTHERS)), at=cursor(1))
    await store.remember("greylist", f"seen {ANN}", "once", NOON + timedelta(days=9))


async def deliver_all(store: SqlStore) -> None:
    """She has the answer."""
    await deliver(store, await store.due(NOON, 9), DeliveryState.DELIVERED)


def test_all_that_is_closed_is_erased(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await answer(store)
        await deliver_all(store)
        found = (await store.traces(ANN)).counts
        assert found == {
            "plan": 1,
            "effect": 1,
            "delivery": 1,
            "reply_window": 1,
            "memory": 1,
            "content": 1,
        }
        assert (await store.erase(ANN)).counts == found
        assert (await store.traces(ANN)).counts == {}
        told = await store.show_delivery(1)
        assert told.report.recipient == "[erased 1]"
        assert told.report.state is DeliveryState.DELIVERED
        (handled,) = await store.history()
        assert handled.key == message(1).key
        sighting = (await store.see([message(1)], NOON))[message(1).key]
        assert sighting.state is MessageState.ACKNOWLEDGED

    with_store(path, steps)
    assert find_faults(path) == []


def test_nothing_of_it_is_left_in_the_file(path: Path) -> None:
    """Not even in pages that are free, or in the log; that of others stays."""

    async def steps(store: SqlStore) -> None:
        await answer(store)
        await deliver_all(store)
        await store.erase(ANN)

    with_store(path, steps)
    assert empty_log(path)
    octets = path.read_bytes().lower()
    for other in OTHERS:
        assert other.encode() in octets
        octets = octets.replace(other.encode(), b"")
    assert ANN.encode() not in octets


@pytest.mark.parametrize("state", ["queued", "held", "failed", "unknown"])
def test_what_is_open_is_refused_and_named(path: Path, state: str) -> None:
    async def steps(store: SqlStore) -> None:
        await answer(store)
        if state == "held":
            await store.hold_deliveries([1], "wait")
        elif state != "queued":
            await deliver(store, await store.due(NOON, 9), DeliveryState(state))
        with pytest.raises(PermanentError, match="postroom outbox drop 1"):
            await store.erase(ANN)
        assert (await store.outgoing(1)).envelope.recipients == (ANN,)
        await store.drop_deliveries([1])
        await store.erase(ANN)

    with_store(path, steps)


def test_a_move_that_is_not_done_is_refused(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        moved = (message(1), plan("k", FileInto(f"From/{ANN}")))
        await decide(store, moved, at=cursor(1))
        with pytest.raises(PermanentError, match="not done yet"):
            await store.erase(ANN)

    with_store(path, steps)


def test_a_letter_that_is_no_ascii_is_found_too(path: Path) -> None:
    address = "jürgen@exämple.org"

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto(f"From/{address}"))))
        run = await store.begin_run("live", RULES)
        await store.see([message(2)], NOON)
        named = Plan((), (RuleTrace("x", matched=False, note=f"of {address}"),))
        await store.commit(run, [Decision(message(2), named)], None)
        assert (await store.traces(address)).counts == {"effect": 1, "plan": 1}

    with_store(path, steps)


def test_an_address_of_nobody_is_nowhere(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await answer(store)
        assert (await store.traces("nn@example.org")).counts == {}
        assert (await store.traces("%@example.org")).counts == {}
        assert (await store.erase("nobody@example.org")).counts == {}
        assert ERASED not in (await store.outgoing(1)).message_id

    with_store(path, steps)
