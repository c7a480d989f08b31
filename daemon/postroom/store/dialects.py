"""All that differs from one database to another; nothing else names one.

Invariant: a writing transaction takes the write lock when it begins (`BEGIN
IMMEDIATE`), so that a unit of work never fails half-way because another process began
to write; a reading one sees a single snapshot and blocks nobody (WAL).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Integer,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.types import TypeDecorator

from postroom.errors import PostroomError, StoreError, StoreUnavailable

BUSY_TIMEOUT = timedelta(seconds=10)
LOG_KEPT = 4 * 1024**2  # octets that the log keeps when it begins anew

# SQLite makes a primary key a rowid, which counts by itself, only if it is an INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment, kept as an integer: microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> int | None:
        """The microseconds; a naive time is a TypeError."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(
        self, value: int | None, dialect: Dialect
    ) -> datetime | None:
        """The moment, aware, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def storable(text: str) -> str:
    """The text as every database takes it: what none takes is written as escapes.

    Octets that are no UTF-8 arrive as lone surrogates, which SQLite refuses, and
    PostgreSQL refuses NUL.
    """
    if text.isascii() and "\0" not in text:
        return text
    encoded = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8")


class Words(TypeDecorator[str]):
    """Text, which may come from a stranger; the same is always kept as the same."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text in a form that can be kept."""
        return None if value is None else storable(value)


class _Listed(TypeDecorator[Sequence[Any]]):
    """Numbers or texts that are handed to the database as one value."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: Sequence[Any] | None, dialect: Dialect
    ) -> str | None:
        """The values as JSON, texts in a form that can be kept."""
        values = (storable(v) if isinstance(v, str) else v for v in value or ())
        return json.dumps([*values])


# Made once, for the database toolkit to know it again.
_GIVEN = select(
    func.json_each(bindparam("given", type_=_Listed())).table_valued("value").c.value
)


def among(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True if the column is one of the values that are `given` when it is executed.

    However many they are, the statement is the same: the database need not read it
    again, and limits how many values one takes.
    """
    return column.in_(_GIVEN)


# -- engines ---------------------------------------------------------------------------


def writing_engine(path: Path) -> Engine:
    """An engine for the one connection that writes; makes the database if need be, such
    that free pages can be given back, which has to be said before there are tables."""
    is_there = path.exists() and path.stat().st_size
    pragmas = [] if is_there else ["PRAGMA auto_vacuum=INCREMENTAL"]

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )

    return _engine(
        connect,
        "BEGIN IMMEDIATE",
        *pragmas,
        "PRAGMA journal_mode=WAL",
        f"PRAGMA journal_size_limit={LOG_KEPT}",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
    )


def reading_engine(path: Path) -> Engine:
    """An engine that can only read, whether or not a daemon is writing meanwhile."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )

    return _engine(connect, "BEGIN")


def _engine(
    connect: Callable[[], sqlite3.Connection], begin: str, *pragmas: str
) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        for pragma in pragmas:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        # The driver begins too late for savepoints, and never IMMEDIATE.
        connection.exec_driver_sql(begin)

    return engine


# -- durability ------------------------------------------------------------------------


def require_durability(connection: Connection) -> None:
    """Raise `StoreError` unless what is committed survives a power cut."""
    found = (_pragma(connection, "journal_mode"), _pragma(connection, "synchronous"))
    if found != ("wal", 2):
        raise StoreError(
            f"the store's file system can't keep it safely: journal mode {found[0]}, "
            f"synchronous {found[1]}; it needs a local disk (wal, 2)"
        )


def set_durability(connection: Connection, durable: bool) -> None:
    """Have the next transactions synced to disk, or not; only outside a transaction.

    A synced commit also syncs all unsynced ones before it: they are in the same log.
    """
    _driver(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")


def in_transaction(connection: Connection) -> bool:
    """False if the database itself has given the transaction up (disk full, I/O)."""
    return _driver(connection).in_transaction


def abandon(connection: Connection) -> None:
    """Undo what a failed commit has left open: SQLite keeps the transaction then."""
    _driver(connection).rollback()


def _pragma(connection: Connection, name: str) -> str | int:
    value: str | int = _driver(connection).execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


# -- errors ----------------------------------------------------------------------------

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: SQLAlchemyError) -> bool:
    """True if another process held the database for too long; nothing was done."""
    return _code(error) in _LOCKED


def is_fatal(error: SQLAlchemyError) -> bool:
    """True if nobody can know any more what is on the disk: after a failed fsync the
    kernel may have dropped the pages."""
    return _code(error) in _DAMAGED


def translate(error: SQLAlchemyError) -> PostroomError:
    """The same failure as postroom names it: temporary if it is busy or full."""
    told = error.orig if isinstance(error, DBAPIError) else error
    if _code(error) in (*_LOCKED, sqlite3.SQLITE_FULL):
        return StoreUnavailable(f"the store could not be written: {told}")
    return StoreError(f"the store failed: {told}")


def _code(error: SQLAlchemyError) -> int:
    cause = error.orig if isinstance(error, DBAPIError) else None
    extended = getattr(cause, "sqlite_errorcode", None)
    # The low octet is the primary code (https://www.sqlite.org/rescode.html).
    return sqlite3.SQLITE_OK if extended is None else extended & 0xFF
