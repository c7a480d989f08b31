"""Looking after the database itself: its log, its free pages, whether it is sound;
and copies of it.

Invariant: a reader that takes its time keeps nobody from writing; it is only that the
log can't begin anew before it is done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from postroom.errors import StoreError
from postroom.store.dialects import BUSY_TIMEOUT

# Free pages that go back to the file system in one transaction.
_PAGES = 1000
# Larger stores are only looked at in their first page and their schema at a start: to
# read all of one takes a second for each 500 MB or so.
QUICKLY_CHECKED = 256 * 1024**2

REMEDY = (
    "nothing was changed: `postroom store check` tells all that is wrong; then put the "
    "latest `postroom store backup` in its place"
)


@dataclass(frozen=True)
class Size:
    """The octets of the store's file, of those that are free in it, and of its log."""

    file: int
    free: int
    log: int


def measure(path: Path) -> Size:
    """How large the store at `path` is."""
    with _opened(path) as connection:
        page = _number(connection, "page_size")
        free = _number(connection, "freelist_count") * page
    log = path.with_name(f"{path.name}-wal")
    kept = log.stat().st_size if log.exists() else 0
    return Size(path.stat().st_size, free, kept)


def give_back(connection: Connection) -> bool:
    """Give some free pages back to the file system, in the caller's transaction; True
    if there are more. A store that was made without that has none to give."""
    driver = _driver(connection)
    driver.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
    gives = _number(driver, "auto_vacuum") != 0
    return gives and _number(driver, "freelist_count") > 0


def empty_log(path: Path) -> bool:
    """Bring what is in the log to its place and empty it; False if a reader or a
    writer is in the way, who is not waited for."""
    # A checkpoint that waits for readers would have the writer wait as well.
    with _opened(path, "rw") as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def require_sound(path: Path, patience: timedelta = BUSY_TIMEOUT) -> None:
    """Raise `StoreError`, with what to do, if the store at `path` is damaged.

    All of a small one is looked at, of a larger one its first page and its schema. One
    that somebody else holds, as one who reads it first after a kill does, is waited for
    so long; then it is not looked at.
    """
    small = path.stat().st_size <= QUICKLY_CHECKED
    pragma = "quick_check(3)" if small else "schema_version"
    try:
        with _opened(path, patience=patience) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}")]
    except sqlite3.DatabaseError as error:
        # Whoever holds it is told of when it is opened. Of the code the low octet is
        # the primary one (https://www.sqlite.org/rescode.html).
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return
        raise StoreError(f"the store {path} is damaged: {error}; {REMEDY}") from error
    if small and found != ["ok"]:
        raise StoreError(f"the store {path} is damaged: {found[0]}; {REMEDY}")


def page_faults(connection: Connection) -> list[str]:
    """What is wrong with the database's pages and indexes, and which rows refer to some
    that are not there."""
    driver = _driver(connection)
    try:
        found = [str(row[0]) for row in driver.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    if found != ["ok"]:
        return found
    dangling = driver.execute("PRAGMA foreign_key_check").fetchall()
    return [f"{row[0]} {row[1]} refers to no {row[2]}" for row in dangling]


def copy_into(connection: Connection, path: Path) -> None:
    """Write a copy of the database to an empty file, as it is now, whoever writes to it
    meanwhile; only outside a transaction."""
    _driver(connection).execute("VACUUM INTO ?", (str(path),))


@contextmanager
def _opened(
    path: Path, mode: str = "ro", patience: timedelta = timedelta(0)
) -> Iterator[sqlite3.Connection]:
    """A connection of its own that waits for others no longer than this."""
    name, seconds = f"file:{quote(str(path))}?mode={mode}", patience.total_seconds()
    with closing(sqlite3.connect(name, uri=True, timeout=seconds)) as connection:
        yield connection


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    value: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value
