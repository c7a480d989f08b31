"""A store of schema version 2 is brought up to date, and its work goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import EffectState, HoldKind, MessageState, PerformResult
from postroom.rules.effects import Delete, Perform
from postroom.store.store import SqlStore
from tests.store.samples import NOON, message, with_store
from tests.store.version_one import TABLES
from tests.store.version_two import write_version_two

ADDED = {"message": 1, "effect": 6, "delivery": 1, "plan": 1}


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that the tables hold which a store of version 2 had, but for its version."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()
            for name in TABLES
            if name != "meta"
        }


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def test_everything_is_kept(path: Path) -> None:
    write_version_two(path)
    before = rows_of(path)
    with_store(path, nothing)
    after = rows_of(path)
    assert before["effect"][-2][-2] == "not available yet"
    for name, width in ADDED.items():
        after[name] = [row[:-width] for row in after[name]]
    assert after == before


def test_it_is_not_read_before_it_is_brought_up_to_date(path: Path) -> None:
    write_version_two(path)
    with pytest.raises(StoreError, match=r"schema version 2, .* reads version 7"):
        with_store(path, nothing, read_only=True)


def test_traces_are_read_as_they_were_written(path: Path) -> None:
    write_version_two(path)

    async def steps(store: SqlStore) -> None:
        told = {each.key.uid: each for each in await store.history()}
        assert told[4].matched == ("Hook",)
        assert told[4].passed_over == 0
        assert told[2].trace == ()

    with_store(path, steps)


def test_what_was_held_is_performed_once_its_rule_is_released(path: Path) -> None:
    write_version_two(path)

    async def steps(store: SqlStore) -> None:
        assert await store.next_perform() is None
        assert await store.release(HoldKind.RULE, "Hook")
        (due,) = await store.due_performs(NOON, 9)
        assert due.effect == Perform("{}", action="webhook")
        assert (due.message, due.attempts, due.created) == (message(4).key, 0, NOON)
        await store.begin_perform(due.id)
        done = PerformResult(due.id, EffectState.DONE)
        assert await store.finish_performs([done]) == {("home", "INBOX")}
        opened = await store.open_effects("home", "INBOX", 7)
        assert Delete(forever=True) in [each.effect for each in opened]

    with_store(path, steps)


def test_what_needs_octets_that_were_not_kept_then_stays_held(path: Path) -> None:
    write_version_two(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        whole = """replace(arguments, '"needs_bytes":false', '"needs_bytes":true')"""
        connection.execute(f"UPDATE effect SET arguments = {whole} WHERE id = 4")

    async def steps(store: SqlStore) -> None:
        assert not await store.release(HoldKind.RULE, "Hook")
        assert await store.next_perform() is None

    with_store(path, steps)


def test_what_is_seen_there_is_decided_and_stays_held(path: Path) -> None:
    write_version_two(path)

    async def steps(store: SqlStore) -> None:
        told = await store.see([message(5)], NOON)
        assert told[message(5).key].state is MessageState.SEEN
        assert await store.unknown([message(5)]) == {message(5).key}

    with_store(path, steps)
