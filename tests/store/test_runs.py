"""Which rules ran, and when."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import Ruleset
from postroom.store.store import SqlStore
from tests.store.samples import RULES, with_store


def test_the_text_of_the_rules_is_kept_once_for_all_runs(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        first = await store.begin_run("live", RULES)
        second = await store.begin_run("sweep", RULES)
        await store.begin_run("live", Ruleset(()))
        assert first != second

    with_store(path, steps)
    with closing(sqlite3.connect(path)) as connection:
        files = connection.execute("SELECT name, text FROM ruleset_file").fetchall()
        assert tuple(files) == RULES.files
        rulesets = connection.execute("SELECT ruleset_id FROM run").fetchall()
        assert rulesets == [(1,), (1,), (2,)]


def test_a_run_has_an_end_once_the_store_is_closed(path: Path) -> None:
    ended = "SELECT count(*) FROM run WHERE ended IS NOT NULL"

    async def steps(store: SqlStore) -> None:
        await store.begin_run("live", RULES)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute(ended).fetchone() == (0,)

    with_store(path, steps)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(ended).fetchone() == (1,)


def test_a_mode_that_is_none_is_refused(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        with pytest.raises(StoreError, match="CHECK"):
            await store.begin_run("holiday", RULES)

    with_store(path, steps)
