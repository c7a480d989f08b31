"""All that differs from one database to another; nothing else names one.

Invariant: a writing transaction takes the write lock when it begins (`BEGIN
IMMEDIATE`), so that a unit of work never fails half-way because another process began
to write; a reading one sees a single snapshot and blocks nobody (WAL).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from postroom.store.values import storable

BUSY_TIMEOUT = timedelta(seconds=10)
LOG_KEPT = 4 * 1024**2  # octets that the log keeps when it begins anew

# SQLite makes a primary key a rowid, which counts by itself, only if it is an INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


class _Listed(TypeDecorator[Sequence[Any]]):
    """Numbers or texts that are handed to the database as one value."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: Sequence[Any] | None, dialect: Dialect
    ) -> str | None:
        """The values as JSON, texts in a form that can be kept."""
        values = [*(value or ())]
        written = json.dumps(values)
        if "\\u" not in written:
            return written
        return json.dumps([storable(v) if isinstance(v, str) else v for v in values])


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


# -- guards ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Guard:
    """What the database itself refuses: that the state of a row of the table is set
    where `when` holds of it, as it would be (`NEW`) and was (`OLD`); and why."""

    table: str
    name: str
    when: str
    reason: str


def trigger(guard: Guard, dialect: str) -> tuple[str, ...]:
    """The statements that have a database of this dialect refuse it."""
    name, head = f"{guard.table}_{guard.name}", f"UPDATE OF state ON {guard.table}"
    begins = f"CREATE TRIGGER {name} BEFORE {head} FOR EACH ROW"
    if dialect == "sqlite":
        refuse = f"SELECT RAISE(ABORT, '{guard.reason}');"
        return (f"{begins} WHEN {guard.when} BEGIN {refuse} END",)
    # A condition with a query has to stand in a function, and CASE in brackets.
    refuse = f"RAISE check_violation USING MESSAGE = '{guard.reason}';"
    body = f"BEGIN IF ({guard.when}) THEN {refuse} END IF; RETURN NEW; END"
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
    return f"{function} AS $${body}$$", f"{begins} EXECUTE FUNCTION {name}()"


def drop_triggers(connection: Connection) -> None:
    """Have the database refuse nothing of its own any more."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    for name in connection.exec_driver_sql(query).scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


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
    told = tell_cause(error)
    if _code(error) in (*_LOCKED, sqlite3.SQLITE_FULL):
        return StoreUnavailable(f"the store could not be written: {told}")
    return StoreError(f"the store failed: {told}")


def tell_cause(error: Exception) -> str:
    """What the database says of a failure, and what it calls it where it says little:
    `SQLITE_IOERR_FSYNC` is a disk that did not take what was written."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", None)
    return f"{cause} ({name})" if name else str(cause)


def _code(error: SQLAlchemyError) -> int:
    cause = error.orig if isinstance(error, DBAPIError) else None
    extended = getattr(cause, "sqlite_errorcode", None)
    # The low octet is the primary code (https://www.sqlite.org/rescode.html).
    return sqlite3.SQLITE_OK if extended is None else extended & 0xFF
