"""Messages in quarantine, and having them decided anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.errors import PermanentError
from postroom.ports import Decision, MessageState
from postroom.ports.stages import Stage
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
    with_store,
)


async def give_up(store: SqlStore, *uids: int) -> None:
    """Bring these into quarantine."""
    run = await store.begin_run("live", RULES)
    await store.see([message(uid) for uid in uids], NOON)
    given_up = [Decision(message(uid), failure="it broke", final=True) for uid in uids]
    await store.commit(run, given_up, cursor(max(uids)))


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
