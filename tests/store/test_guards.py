"""The database itself refuses what the states do not allow."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.store.dialects import trigger
from postroom.store.guards import GUARDS
from postroom.store.migrations import current_version
from postroom.store.states import Machine
from postroom.store.store import SqlStore
from tests.store.guarded import (
    MACHINES,
    PARENTS,
    Change,
    change,
    edges,
    premises,
    row_in,
)
from tests.store.samples import with_store

TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


async def nothing(store: SqlStore) -> None:
    """Only have the store made."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A new store's database, with what all rows belong to."""
    path = tmp_path_factory.mktemp("guarded") / "state" / "postroom.db"
    with_store(path, nothing)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        for statement in PARENTS:
            connection.execute(statement)
        yield connection


def refuses(database: sqlite3.Connection, statement: str) -> bool:
    """True if a trigger refused it."""
    try:
        changed = database.execute(statement).rowcount
    except sqlite3.IntegrityError as error:
        return error.sqlite_errorname == "SQLITE_CONSTRAINT_TRIGGER"
    assert changed == 1
    return False


def refuses_after(database: sqlite3.Connection, each: Change) -> bool:
    """True if this change is refused; all is as it was before."""
    database.execute("BEGIN")
    try:
        for statement in each.before:
            database.execute(statement)
        return refuses(database, each.statement)
    finally:
        database.execute("ROLLBACK")


def test_every_edge_is_allowed_and_nothing_else(database: sqlite3.Connection) -> None:
    told = {each.name: refuses_after(database, each) for each in edges()}
    assert told == {each.name: each.refused for each in edges()}
    assert len(told) == 6 * 6 + 5 * 5 + 9 * 9


@pytest.mark.parametrize("each", [*premises()], ids=lambda each: each.name)
def test_on_an_edge_that_is_refused_which_has_no_ground(
    database: sqlite3.Connection, each: Change
) -> None:
    assert refuses_after(database, each) is each.refused


@given(
    st.sampled_from(MACHINES).flatmap(
        lambda machine: st.tuples(
            st.just(machine), st.lists(st.sampled_from([*machine.states]), min_size=2)
        )
    )
)
def test_whatever_way_is_tried_code_and_database_agree(
    database: sqlite3.Connection, way: tuple[Machine[Any], list[Any]]
) -> None:
    machine, (state, *states) = way
    database.execute("BEGIN")
    try:
        for statement in row_in(machine, 1, state):
            database.execute(statement)
        for wanted in states:
            refused = refuses(database, change(machine, 1, wanted))
            assert refused is not machine.allows(state, wanted)
            state = state if refused else wanted
        query = f"SELECT state FROM {machine.table.name} WHERE id = 1"
        assert database.execute(query).fetchone() == (state,)
    finally:
        database.execute("ROLLBACK")


def test_a_store_that_was_brought_up_to_date_has_the_triggers_of_a_new_one(
    path: Path, database: sqlite3.Connection
) -> None:
    with_store(path, nothing)
    with closing(sqlite3.connect(path)) as older, older:
        for name, _ in older.execute(TRIGGERS).fetchall():
            older.execute(f"DROP TRIGGER {name}")
        older.execute("CREATE TRIGGER old AFTER DELETE ON run BEGIN SELECT 1; END")
        older.execute("DROP INDEX ix_plan_message_occasion")
        older.execute("ALTER TABLE plan DROP COLUMN occasion")
        older.execute("CREATE INDEX ix_plan_message ON plan (message)")
        older.execute("ALTER TABLE effect DROP COLUMN before_uidvalidity")
        older.execute("ALTER TABLE effect DROP COLUMN before_uidnext")
        older.execute("ALTER TABLE effect DROP COLUMN begun")
        older.execute("ALTER TABLE delivery DROP COLUMN begun")
        older.execute("UPDATE meta SET schema_version = 4")
    with_store(path, nothing)
    with closing(sqlite3.connect(path)) as upgraded:
        found = set(upgraded.execute(TRIGGERS).fetchall())
    assert found == set(database.execute(TRIGGERS).fetchall())
    assert len(found) == len(GUARDS)


def test_a_change_of_a_trigger_needs_a_new_version_of_the_schema() -> None:
    """Else stores of this version would keep the old one. After a migration was added,
    which may be an empty one, these two are brought up to date together."""
    told = "\n".join(text for guard in GUARDS for text in trigger(guard, "sqlite"))
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    assert (current_version(), digest) == (7, "c87eec8e3efae614")
