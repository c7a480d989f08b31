"""A store of schema version 3 is brought up to date, and its work goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import HoldKind, Listed
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import waiting
from tests.store.samples import NOON, StillClock, message, with_store
from tests.store.version_one import TABLES
from tests.store.version_three import write_version_three

ADDED = ("hold", "memory", "notice", "vocabulary")


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that the tables hold which a store of version 3 had, but for its version."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()
            for name in (*TABLES, *ADDED)
            if name != "meta"
        }


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def test_everything_is_kept(path: Path) -> None:
    write_version_three(path)
    before = rows_of(path)
    assert all(before.values()), "a row in each table"
    with_store(path, nothing)
    after = rows_of(path)
    plans = after.pop("plan")
    assert [row[:-1] for row in plans] == before.pop("plan")
    assert {row[-1] for row in plans} == {"live"}
    effects = after.pop("effect")
    assert [row[:-3] for row in effects] == before.pop("effect")
    assert {row[-3:] for row in effects} == {(None, None, 0)}, "nothing was noted"
    deliveries = after.pop("delivery")
    assert [row[:-1] for row in deliveries] == before.pop("delivery")
    assert {row[-1] for row in deliveries} == {0}, "none is blamed"
    assert after == before


def test_it_is_not_read_before_it_is_brought_up_to_date(path: Path) -> None:
    write_version_three(path)
    with pytest.raises(StoreError, match=r"schema version 3, .* reads version 7"):
        with_store(path, nothing, read_only=True)


def test_what_was_begun_goes_on(path: Path) -> None:
    write_version_three(path)
    clock = StillClock()
    clock.forward(minutes=2)

    async def steps(store: SqlStore) -> None:
        (due,) = await store.due_performs(NOON + timedelta(minutes=2), 9)
        assert (due.message, due.attempts) == (message(7).key, 2)
        assert await store.perform_content(due.id)
        assert await store.recall("away", "ann") == "told"
        assert await store.release(HoldKind.RULE, "Others")

    with_store(path, steps, clock=clock)


def test_no_maildrop_is_known_and_one_is_met(path: Path) -> None:
    write_version_three(path)

    async def steps(store: SqlStore) -> None:
        assert await waiting(store, "home") == {}
        roll = await store.note_listing("home", [Listed(1, 100, "a")])
        assert [each.uid for each in roll.items.values()] == [1]

    with_store(path, steps)
