"""Opening a store: private, for one daemon, current, and on a safe disk."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import Cursor
from postroom.store.dialects import reading_engine, require_durability
from postroom.store.store import SqlStore
from tests.store.programs import running
from tests.store.samples import NOON, cursor, message, with_store


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def test_nobody_else_may_look_into_the_store(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.see([message(1)], NOON)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        names = {file.name for file in path.parent.iterdir()}
        assert names >= {"postroom.db", "postroom.db-wal", "postroom.db.lock"}
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file

    with_store(path, steps)


def test_a_second_daemon_is_refused_and_told_who_the_first_is(path: Path) -> None:
    with running("tests.store.dying_daemon", str(path)) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        with pytest.raises(StoreError, match=f"process {daemon.pid}\\)"):
            with_store(path, nothing)
        daemon.kill()
        daemon.wait(10)
        with_store(path, nothing)


def test_reading_works_beside_a_daemon_and_can_not_write(path: Path) -> None:
    async def beside(store: SqlStore) -> Cursor | None:
        with pytest.raises(StoreError, match="read only"):
            await store.see([message(1)], NOON)
        return await store.cursor("home", "INBOX")

    with running("tests.store.dying_daemon", str(path)) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        daemon.stdout.readline()
        assert with_store(path, beside, read_only=True)
        assert daemon.poll() is None


def test_reading_works_without_a_daemon_and_changes_nothing(path: Path) -> None:
    with_store(path, lambda store: store.adopt("home", "INBOX", cursor(3)))
    before = path.read_bytes()

    async def read(store: SqlStore) -> Cursor | None:
        return await store.cursor("home", "INBOX")

    assert with_store(path, read, read_only=True) == cursor(3)
    assert path.read_bytes() == before


def test_reading_what_is_not_there_says_so_and_makes_nothing(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        with_store(path, nothing, read_only=True)
    assert not path.parent.exists()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_and_kept(
    path: Path, read_only: bool
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        with_store(path, nothing, read_only=read_only)
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_a_folder_that_can_not_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be made"):
        with_store(tmp_path / "file" / "postroom.db", nothing)


def test_a_connection_that_would_not_sync_is_refused(path: Path) -> None:
    with_store(path, nothing)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    engine = reading_engine(path)
    with (
        engine.connect() as connection,
        pytest.raises(StoreError, match="journal mode delete"),
    ):
        require_durability(connection)
    engine.dispose()


def test_the_lock_is_given_back_when_the_store_is_closed(path: Path) -> None:
    for _ in range(2):
        with_store(path, nothing)
    assert path.with_name("postroom.db.lock").read_text() == f"{os.getpid()}\n"
