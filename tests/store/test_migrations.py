"""The schema's versions: refused, left alone, or brought up to date as one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import StoreError
from postroom.store.dialects import writing_engine
from postroom.store.migrations import Migration, current_version, migrate
from postroom.store.store import SqlStore
from tests.store.samples import NOON, with_store


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Have the database itself do this."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def add_colour(connection: Connection) -> None:
    """A migration of a postroom to come."""
    connection.exec_driver_sql("ALTER TABLE mailbox ADD COLUMN colour TEXT")


def fail(connection: Connection) -> None:
    """A migration that does not work."""
    connection.exec_driver_sql("ALTER TABLE nothing ADD COLUMN colour TEXT")


def take_to(engine: Engine, *migrations: Migration) -> None:
    """Do what opening does, as a postroom that knows these migrations."""
    with engine.connect() as connection, connection.begin():
        migrate(connection, NOON, migrations)
    engine.dispose()


def test_a_new_store_has_an_id_of_its_own_and_the_current_version(
    path: Path, tmp_path: Path
) -> None:
    query = "SELECT store_id, schema_version FROM meta"
    other = tmp_path / "other" / "postroom.db"
    with_store(path, nothing)
    with_store(other, nothing)
    (first,), (second,) = execute(path, query), execute(other, query)
    assert first[1] == second[1] == current_version()
    assert first[0] != second[0]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_store_is_refused_and_left_as_it_is(
    path: Path, read_only: bool
) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a newer postroom: its schema has version 99"):
        with_store(path, nothing, read_only=read_only)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused_before_anything_could_write(path: Path) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 2")
    with pytest.raises(StoreError, match="knows versions up to 1"):
        take_to(writing_engine(path))


def test_a_store_of_the_current_version_is_opened_untouched(path: Path) -> None:
    with_store(path, nothing)
    before = path.read_bytes()
    with_store(path, nothing)
    assert path.read_bytes() == before


def test_an_older_store_is_brought_up_to_date(path: Path) -> None:
    with_store(path, nothing)
    take_to(writing_engine(path), add_colour)
    assert execute(path, "SELECT schema_version FROM meta") == [(2,)]
    assert execute(path, "SELECT colour FROM mailbox") == []
    take_to(writing_engine(path), add_colour)


def test_a_migration_that_fails_leaves_the_old_store_whole(path: Path) -> None:
    with_store(path, nothing)
    with pytest.raises(SQLAlchemyError):
        take_to(writing_engine(path), add_colour, fail)
    assert execute(path, "SELECT schema_version FROM meta") == [(1,)]
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        execute(path, "SELECT colour FROM mailbox")
    with_store(path, nothing)


def test_an_older_store_can_not_be_read_before_a_daemon_migrated_it(
    path: Path,
) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 0")
    with pytest.raises(StoreError, match="starting the daemon once"):
        with_store(path, nothing, read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_something_else_is_refused(path: Path, read_only: bool) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE diary (entry TEXT)")
    with pytest.raises(StoreError, match="not a store of postroom"):
        with_store(path, nothing, read_only=read_only)
