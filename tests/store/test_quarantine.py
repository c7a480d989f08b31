"""Messages in quarantine, and having them decided anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.errors import PermanentError
from postroom.ports import (
    Decision,
    EffectResult,
    EffectState,
    MessageState,
    OpenEffect,
    OpenPerform,
    PerformResult,
)
from postroom.ports.stages import FATAL, Stage
from postroom.rules.effects import Copy, Delete, Effect, FileInto, Perform, SetFlags
from postroom.rules.plan import Plan
from postroom.store.report import QuarantinedReport
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    StillClock,
    cursor,
    decide,
    message,
    plan,
    with_store,
)


async def give_up(store: SqlStore, *uids: int) -> None:
    """Bring these into quarantine."""
    run = await store.begin_run("live", RULES)
    await store.see([message(uid) for uid in uids], NOON)
    given_up = [Decision(message(uid), failure="it broke", final=True) for uid in uids]
    await store.commit(run, given_up, cursor(max(uids)))


async def waiting(store: SqlStore) -> list[OpenEffect | OpenPerform]:
    """What is open, in a mailbox or not."""
    performs = await store.due_performs(NOON, 9)
    return [*await store.open_effects("home", "INBOX", 7), *performs]


async def put_aside(store: SqlStore) -> None:
    """Begin all that is open three times, and have it given up."""
    for each in await waiting(store):
        told = each.id, EffectState.HELD, FATAL
        if isinstance(each, OpenPerform):
            for _ in range(3):
                await store.begin_perform(each.id)
            await store.finish_performs([PerformResult(*told, begun=3)])
        else:
            for _ in range(3):
                await store.begin_effects([each.id])
            await store.finish_effects([EffectResult(*told, begun=3)])


def test_the_quarantine_is_listed_latest_first_and_shown(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), Plan()))
        await give_up(store, 2)
        clock.forward(minutes=1)
        await give_up(store, 3)
        latest, first = await store.quarantined()
        assert (latest.key.uid, first.key.uid) == (3, 2)
        assert await store.quarantined(1) == [latest]
        assert await store.show_quarantined(first.id) == first
        assert first == QuarantinedReport(
            id=2,
            key=message(2).key,
            message_id="<2@example.org>",
            size=1000,
            received=NOON,
            attempts=1,
            stage=Stage.DECIDING,
            reason="it broke",
            updated=NOON,
        )
        with pytest.raises(PermanentError, match="no message 1 in quarantine"):
            await store.show_quarantined(1)

    with_store(path, steps, clock=clock)


@pytest.mark.parametrize(
    ("effect", "stage"),
    [
        (SetFlags(frozenset({"\\Seen"})), Stage.MARKING),
        (Copy("News"), Stage.COPYING),
        (FileInto("News"), Stage.MOVING),
        (Delete(forever=True), Stage.DELETING),
        (Perform("{}", action="save"), Stage.PERFORMING),
    ],
)
def test_what_ended_the_process_each_time_is_listed_until_it_is_released(
    path: Path, effect: Effect, stage: Stage
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect)), at=cursor(1))
        await put_aside(store)
        (listed,) = await store.quarantined()
        assert (listed.id, listed.stage, listed.attempts) == (1, stage, 3)
        assert listed.reason == FATAL
        assert await store.show_quarantined(1) == listed
        assert await store.release_quarantined([1]) == [("home", "INBOX")]
        assert await store.quarantined() == []
        assert [each.begun for each in await waiting(store)] == [0]

    with_store(path, steps)


def test_a_message_is_listed_once_for_all_that_was_put_aside_of_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Copy("A"), Copy("B"))))
        await decide(store, (message(2), plan("l", Copy("A"))), at=cursor(2))
        await put_aside(store)
        assert [each.id for each in await store.quarantined()] == [2, 1]
        assert len(await store.quarantined(1)) == 1
        await store.release_quarantined([1])
        assert [each.message.uid for each in await waiting(store)] == [1, 1]

    with_store(path, steps)


def test_what_the_server_refused_is_not_in_quarantine(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        (each,) = await store.open_effects("home", "INBOX", 7)
        for _ in range(3):
            await store.begin_effects([each.id])
        refused = EffectResult(each.id, EffectState.HELD, "no such mailbox")
        await store.finish_effects([refused])
        assert await store.quarantined() == []
        with pytest.raises(PermanentError, match="no message 1 in quarantine"):
            await store.release_quarantined([1])

    with_store(path, steps)


def test_what_is_released_is_decided_anew(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await give_up(store, 1, 2)
        assert await store.release_quarantined([1]) == [("home", "INBOX")]
        assert await store.undecided("home", "INBOX", 7) == [1]
        assert [each.id for each in await store.quarantined()] == [2]
        (told,) = (await store.see([message(1)], NOON)).values()
        assert (told.state, told.attempts) == (MessageState.SEEN, 1)
        assert not told.begun_before
        reasons = {each.reason for each in (await store.summary()).troubles}
        assert reasons == {"it broke"}, "of the other alone"

    with_store(path, steps)


def test_of_numbers_that_are_not_all_in_quarantine_none_is_released(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await give_up(store, 1)
        with pytest.raises(PermanentError, match="no message 8, 9 in quarantine"):
            await store.release_quarantined([9, 1, 8])
        assert len(await store.quarantined()) == 1
        assert await store.release_quarantined([]) == []

    with_store(path, steps)
