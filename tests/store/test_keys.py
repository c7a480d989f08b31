"""What was planned for a message once is not planned again for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import Decision, EffectResult, EffectState, HoldKind, MessageState
from postroom.rules.effects import FileInto
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    cursor,
    decide,
    finish,
    message,
    plan,
    with_store,
)

FILED = FileInto("News")


def told(path: Path, query: str) -> list[tuple[object, ...]]:
    """What the database itself tells."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def keys(path: Path) -> list[str]:
    """The keys of all effects, in the order they were recorded."""
    return [str(key) for (key,) in told(path, "SELECT key FROM effect ORDER BY id")]


def test_a_key_names_the_row_and_what_is_wanted_of_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FILED)), (message(2), plan("k")))
        await decide(store, (message(3), plan("k", FILED, FILED)))

    with_store(path, steps)
    assert keys(path) == ["1:k/0", "3:k/0", "3:k/1"]


def test_what_is_decided_by_other_rules_later_is_not_planned_again(path: Path) -> None:
    """As after a restart with rules that were edited."""

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FILED)), at=cursor(1))
        await decide(store, (message(1), plan("edited", FileInto("Elsewhere"))))

    with_store(path, steps)
    assert keys(path) == ["1:k/0"]
    assert told(path, "SELECT message, occasion FROM plan") == [(1, "live")]


@pytest.mark.parametrize("mode", ["sweep", "undo"])
def test_a_run_over_old_mail_is_an_occasion_of_its_own(path: Path, mode: str) -> None:
    async def steps(store: SqlStore) -> None:
        await store.begin_run("live", RULES)
        run = await store.begin_run(mode, RULES)
        await store.see([message(1)], NOON)
        await store.commit(run, [Decision(message(1), plan("k", FILED))], None)

    with_store(path, steps)
    assert keys(path) == [f"1:{mode} 2:k/0"]
    assert told(path, "SELECT occasion FROM plan") == [(f"{mode} 2",)]


def test_a_second_plan_of_one_occasion_is_refused_by_the_database(path: Path) -> None:
    """Even if a message were taken for one that is not decided."""

    async def plan_it(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FILED)))

    with_store(path, plan_it)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER message_goes_on")
        connection.execute("UPDATE message SET state = 'seen'")
    with pytest.raises(StoreError, match=r"UNIQUE constraint failed: plan\.message"):
        with_store(path, plan_it)
    assert keys(path) == ["1:k/0"]


def test_what_was_held_is_done_under_the_key_it_has(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FILED)), at=cursor(1))
        (each,) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([each.id])
        await store.finish_effects([EffectResult(each.id, EffectState.HELD, "no")])
        assert await store.release(HoldKind.RULE, "Invoices")
        assert [one.id for one in await store.open_effects("home", "INBOX", 7)] == [1]
        await finish(store)

    with_store(path, steps)
    assert keys(path) == ["1:k/0"]


def test_what_is_released_from_quarantine_has_one_plan(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        broke = Decision(message(1), failure="it broke", final=True)
        await store.commit(run, [broke], cursor(1))
        await store.release_quarantined([1])
        for _ in range(2):
            await decide(store, (message(1), plan("k", FILED)))

    with_store(path, steps)
    assert keys(path) == ["1:k/0"]


def test_what_was_numbered_anew_keeps_its_row_and_its_keys(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FILED)), at=cursor(1))
        anew = message(5, uidvalidity=8, message_id="<1@example.org>")
        assert await store.carry_over("home", "INBOX", [anew]) == 1
        sightings = await store.see([anew], NOON)
        assert sightings[anew.key].state is MessageState.DECIDED
        await decide(store, (anew, plan("other", FILED)))

    with_store(path, steps)
    assert keys(path) == ["1:k/0"]
