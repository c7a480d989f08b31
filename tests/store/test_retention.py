"""What is old is forgotten, and nothing that is open, or that keeps mail from running
twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from postroom.errors import ContentError
from postroom.ports import DeliveryState, EffectState
from postroom.rules.effects import FileInto, Perform, Send
from postroom.store.integrity import find_faults
from postroom.store.retention import Before, Pruned, prune
from postroom.store.schema import attempt, delivery, effect, message, outgoing
from postroom.store.store import SqlStore
from postroom.store.upkeep import measure
from tests.store.samples import (
    NOON,
    StillClock,
    cursor,
    decide,
    deliver,
    finish,
    plan,
    with_store,
)
from tests.store.samples import message as arrival
from tests.store.samples import (
    outgoing as make_outgoing,
)

FINISHED = [DeliveryState.DELIVERED, DeliveryState.WITHDRAWN]
AGES = {"content": timedelta(days=14), "ledger": timedelta(days=400)}


def before(clock: StillClock) -> Before:
    """The defaults, as of now."""
    ages = {name: clock.now() - age for name, age in AGES.items()}
    return Before(**ages)


async def send(store: SqlStore, uid: int, *, state: DeliveryState | None) -> None:
    """Decide a message of which something of its own is sent, and settle that."""
    sent = make_outgoing(content=b"Subject: %d\r\n\r\n" % uid + b"x" * 100)
    await decide(store, (arrival(uid), plan(f"k{uid}", Send(sent))), at=cursor(uid))
    if state is DeliveryState.WITHDRAWN:
        (due,) = await store.due(NOON, 10)
        await store.drop_deliveries([due.id])
    elif state:
        await deliver(store, await store.due(NOON, 10), state)


def counts(path: Path) -> dict[str, int]:
    """How many rows the tables have of what is forgotten."""

    async def count(store: SqlStore) -> dict[str, int]:
        def ask(connection: Connection) -> dict[str, int]:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table))
                or 0
                for table in (message, effect, outgoing, delivery, attempt)
            }

        return await store._reader.read(ask)

    return with_store(path, count)


def test_octets_that_went_out_are_forgotten_after_their_time(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store, 1, state=DeliveryState.DELIVERED)
        clock.forward(days=13)
        assert await store.prune(before(clock)) == Pruned()
        clock.forward(days=2)
        counted = await store.prunable(before(clock))
        assert counted.contents == 1
        assert counted.octets > 100
        assert await store.prune(before(clock)) == counted
        assert await store.prune(before(clock)) == Pruned()
        with pytest.raises(ContentError, match="not kept any more"):
            await store.outgoing(1)

    with_store(path, steps, clock=clock)
    assert counts(path)["outgoing"] == 1
    assert find_faults(path) == []


def test_the_same_octets_can_be_kept_again(path: Path) -> None:
    """They are sent once more, long after they were forgotten."""
    clock = StillClock()
    sent = Send(make_outgoing())

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("a", sent)))
        await deliver(store, await store.due(clock.now(), 1), DeliveryState.DELIVERED)
        clock.forward(days=15)
        assert (await store.prune(before(clock))).contents == 1
        await decide(store, (arrival(2), plan("b", sent)))
        (due,) = await store.due(clock.now(), 1)
        kept = await store.outgoing(due.outgoing_id)
        assert kept.content == sent.outgoing.content

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(
    "state", [None, *(each for each in DeliveryState if each not in FINISHED)]
)
def test_what_is_not_delivered_is_kept_whole(
    path: Path, state: DeliveryState | None
) -> None:
    clock = StillClock()
    can_end_so = (DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.UNKNOWN)

    async def steps(store: SqlStore) -> None:
        await send(store, 1, state=state if state in can_end_so else None)
        if state is DeliveryState.SENDING:
            await store.mark_sending([1])
        clock.forward(days=1000)
        assert await store.prune(before(clock)) == Pruned()
        assert (await store.outgoing(1)).content

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize("state", [EffectState.FAILED, EffectState.HELD, None])
def test_what_is_not_done_is_kept_whole(path: Path, state: EffectState | None) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("k", FileInto("A"))), at=cursor(1))
        if state:
            await finish(store, state)
        clock.forward(days=1000)
        assert await store.prune(before(clock)) == Pruned()

    with_store(path, steps, clock=clock)
    assert counts(path)["effect"] == 1


def test_octets_a_perform_still_needs_are_kept(path: Path) -> None:
    clock = StillClock()
    perform = Perform("{}", needs_bytes=True, action="save")

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("k", perform)))
        clock.forward(days=1000)
        assert await store.prune(before(clock)) == Pruned()

    with_store(path, steps, clock=clock)


def test_the_ledger_is_forgotten_after_its_time_but_for_a_line(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store, 1, state=DeliveryState.DELIVERED)
        await decide(store, (arrival(2), plan("k2", FileInto("A"))), at=cursor(2))
        await finish(store)
        clock.forward(days=399)
        assert (await store.prune(before(clock))).messages == 0
        clock.forward(days=2)
        assert (await store.prune(before(clock))).messages == 2
        assert (await store.prune(before(clock))).messages == 0
        assert len(await store.history()) == 2

    with_store(path, steps, clock=clock)
    left = {"message": 2, "effect": 0, "outgoing": 0, "delivery": 0, "attempt": 0}
    assert counts(path) == left
    assert find_faults(path) == []


def test_a_message_put_back_years_later_is_still_known(path: Path) -> None:
    """It comes under another UID, and is the message that was handled."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("k", FileInto("A"))), at=cursor(1))
        await finish(store)
        await store.mark_gone([arrival(1).key])
        clock.forward(days=1000)
        assert (await store.prune(before(clock))).messages == 1
        again = arrival(9, message_id="<1@example.org>")
        assert (await store.see([again], clock.now()))[again.key].returned

    with_store(path, steps, clock=clock)


def test_after_a_renumbering_what_was_forgotten_is_not_unknown(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("k", FileInto("A"))), at=cursor(1))
        await finish(store)
        clock.forward(days=1000)
        await store.prune(before(clock))
        renamed = arrival(5, uidvalidity=8, message_id="<1@example.org>")
        assert await store.unknown([renamed]) == frozenset()

    with_store(path, steps, clock=clock)


def test_free_pages_are_given_back(path: Path) -> None:
    clock = StillClock()
    large = make_outgoing(content=b"x" * 5_000_000)

    async def steps(store: SqlStore) -> None:
        await decide(store, (arrival(1), plan("k", Send(large))))
        await deliver(store, await store.due(NOON, 1), DeliveryState.DELIVERED)
        clock.forward(days=15)
        await store.prune(before(clock))

    with_store(path, steps, clock=clock)
    size = measure(path)
    assert size.file < 1_000_000
    assert size.free == 0


def test_much_is_forgotten_in_parts(path: Path) -> None:
    """Each part a transaction; and whoever asks for no more is told that there is."""
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        uids = range(1, 1202)
        planned = [(arrival(uid), plan(f"k{uid}", FileInto("A"))) for uid in uids]
        await decide(store, *planned, at=cursor(1201))
        await finish(store)
        clock.forward(days=401)
        first = await store.prune(before(clock), 400)
        assert (first.messages, first.more) == (500, True)
        rest = await store.prune(before(clock))
        assert (rest.messages, rest.more) == (701, False)

    with_store(path, steps, clock=clock)


def test_on_one_connection_all_of_it_is_forgotten(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await send(store, 1, state=DeliveryState.DELIVERED)
        clock.forward(days=401)
        pruned = await store._write(lambda each: prune(each, before(clock)))
        assert (pruned.messages, pruned.contents) == (1, 1)

    with_store(path, steps, clock=clock)
