"""An attempt is counted, and on the disk, when the act itself begins."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import Withdrawn
from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    EffectState,
    PerformResult,
    Receipt,
)
from postroom.rules.effects import Effect, FileInto, Perform, Send, SetFlags
from postroom.store.store import SqlStore
from tests.store.programs import running
from tests.store.samples import (
    NOON,
    cursor,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

COUNTS = {
    "message": "SELECT attempts FROM message",
    "effect": "SELECT attempts FROM effect",
    "delivery": "SELECT attempts FROM delivery",
}
DELAYED = Receipt(DeliveryState.DELAYED, 451, "busy")


def counted(path: Path, table: str) -> list[int]:
    """The attempts that another process sees."""
    with closing(sqlite3.connect(path)) as connection:
        return [row for (row,) in connection.execute(COUNTS[table])]


@pytest.mark.parametrize("act", COUNTS)
def test_one_that_is_killed_in_the_act_has_counted_it(path: Path, act: str) -> None:
    for attempt in (1, 2):
        with running("tests.store.dying_act", str(path), act) as daemon:
            assert daemon.stdout is not None
            assert daemon.stdout.readline() == "acting\n"
            assert counted(path, act) == [attempt]
        assert counted(path, act) == [attempt], "it was killed"


@pytest.mark.parametrize("effect", [FileInto("News"), SetFlags(frozenset({"\\Seen"}))])
def test_each_attempt_in_a_mailbox_is_counted(path: Path, effect: Effect) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect)))
        for attempt in (1, 2, 3):
            (each,) = await store.open_effects("home", "INBOX", 7)
            await store.begin_effects([each.id])
            assert counted(path, "effect") == [attempt]

    with_store(path, steps)


def test_each_attempt_at_a_perform_is_counted(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Perform("{}", action="save"))))
        for attempt in (1, 2, 3):
            (each,) = await store.due_performs(NOON, 9)
            assert each.attempts == attempt - 1
            assert await store.begin_perform(each.id)
            assert counted(path, "effect") == [attempt]
            again = PerformResult(each.id, EffectState.PLANNED, "", NOON)
            await store.finish_performs([again])
            assert counted(path, "effect") == [attempt], "once"

    with_store(path, steps)


@pytest.mark.parametrize(("charged", "kept"), [(True, 1), (False, 0)])
def test_a_delivery_is_counted_when_it_is_begun_and_once(
    path: Path, charged: bool, kept: int
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        (due,) = await store.due(NOON, 9)
        await store.begin_sending([due.id])
        assert counted(path, "delivery") == [1]
        await store.mark_sending([due.id])
        assert counted(path, "delivery") == [1]
        await store.settle([DeliveryResult(due.id, DELAYED, NOON, charged=charged)])
        assert counted(path, "delivery") == [kept]
        (due,) = await store.due(NOON, 9)
        await store.settle([DeliveryResult(due.id, DELAYED, NOON)])
        assert counted(path, "delivery") == [kept + 1], "refused before the dot"

    with_store(path, steps)


def test_a_delivery_that_something_else_has_ended_counts_no_attempt(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        (due,) = await store.due(NOON, 9)
        for begun in (1, 2):
            await store.begin_sending([due.id])
            (again,) = await store.due(NOON, 9)
            assert (again.attempts, again.begun) == (begun, begun)
        await store.take_back_sending([due.id])
        (again,) = await store.due(NOON, 9)
        # The process had ended at the first; of the second it did not.
        assert (again.attempts, again.begun) == (1, 0)
        await store.mark_sending([due.id])
        await store.take_back_sending([due.id])
        assert counted(path, "delivery") == [2], "it is past its dot"

    with_store(path, steps)


def test_one_that_ended_the_process_past_its_dot_goes_on_counting(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        for begun in (1, 2, 3):
            (due,) = await store.due(NOON, 9)
            assert (due.attempts, due.begun) == (begun - 1, begun - 1)
            await store.begin_sending([due.id])
            await store.mark_sending([due.id])
            await store.recover(NOON)

    with_store(path, steps)


def test_one_that_is_looked_for_meanwhile_goes_on_counting(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        (due,) = await store.due(NOON, 9)
        await store.begin_sending([due.id])
        await store.mark_sending([due.id])
        await store.recover(NOON, sought=[due.relay])
        unknown = Receipt(DeliveryState.UNKNOWN, reply="not found")
        await store.resolve([DeliveryResult(due.id, unknown, NOON, charged=False)])
        (again,) = await store.due(NOON, 9)
        assert (again.attempts, again.begun) == (1, 1)

    with_store(path, steps)


def test_one_that_its_owner_took_away_is_not_begun_nor_any_with_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        await decide(store, (message(2), plan("l", Send(outgoing()))), at=cursor(2))
        first, second = await store.due(NOON, 9)
        await store.hold_deliveries([first.id], "wait")
        with pytest.raises(Withdrawn):
            await store.begin_sending([first.id, second.id])
        assert counted(path, "delivery") == [0, 0]

    with_store(path, steps)


def test_one_that_is_retried_by_hand_while_it_is_begun_can_be_sent(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        (due,) = await store.due(NOON, 9)
        await store.settle([DeliveryResult(due.id, DELAYED, NOON)])
        await store.begin_sending([due.id])
        assert await store.retry_deliveries([due.id]) == []
        await store.mark_sending([due.id])
        assert counted(path, "delivery") == [1]

    with_store(path, steps)


def test_no_attempt_in_a_mailbox_counts_that_something_else_has_ended(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        for _ in range(2):
            (each,) = await store.open_effects("home", "INBOX", 7)
            await store.begin_effects([each.id])
        (each,) = await store.open_effects("home", "INBOX", 7)
        assert (each.begun, each.attempted) == (2, True)
        await store.finish_effects([], [each.id])
        (each,) = await store.open_effects("home", "INBOX", 7)
        assert (each.begun, each.attempted) == (0, True)

    with_store(path, steps)
