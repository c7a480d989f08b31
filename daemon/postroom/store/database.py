"""Opening the database: private files, one daemon, a current schema, a safe disk."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import StoreError
from postroom.ports import Clock
from postroom.store.dialects import (
    reading_engine,
    require_durability,
    translate,
    writing_engine,
)
from postroom.store.lock import exclusive
from postroom.store.migrations import migrate, require_current
from postroom.store.reader import open_reader
from postroom.store.store import SqlStore
from postroom.store.upkeep import require_sound
from postroom.store.writer import open_writer


@asynccontextmanager
async def open_store(
    path: Path, *, clock: Clock, read_only: bool = False, version: str = "unknown"
) -> AsyncIterator[SqlStore]:
    """The store at `path`, for one daemon at a time; `version` is noted with each run.

    `read_only` is for commands: it takes no lock, works beside a running daemon, and
    refuses to write. Raises `StoreError` if the store can't be used.
    """
    with ExitStack() as stack:
        writer = None
        if not read_only:
            engine = stack.enter_context(_database_to_write(path, clock.now()))
            writer = stack.enter_context(open_writer(engine))
        reader = stack.enter_context(
            open_reader(stack.enter_context(_database_to_read(path)))
        )
        store = SqlStore(reader, writer, clock, version)
        try:
            yield store
        finally:
            await store.end_runs()


@contextmanager
def _database_to_write(path: Path, now: datetime) -> Iterator[Engine]:
    """The engine of the one that writes, the store made or brought up to date before.

    Raises `StoreError` if another daemon has it, or it is too new, or damaged.
    """
    with _private(path), exclusive(path):
        require_sound(path)
        engine = writing_engine(path)
        try:
            _prepare(engine, now)
            _sync_names(path.parent)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _database_to_read(path: Path) -> Iterator[Engine]:
    """An engine that only reads; takes no lock, and needs the store to be there."""
    if not path.exists():
        raise StoreError(f"there is no store at {path} yet: the daemon makes it")
    engine = reading_engine(path)
    try:
        _look(engine)
        yield engine
    finally:
        engine.dispose()


def _prepare(engine: Engine, now: datetime) -> None:
    try:
        with engine.connect() as connection:
            require_durability(connection)
            with connection.begin():
                migrate(connection, now)
    except SQLAlchemyError as error:
        raise translate(error) from error


def _sync_names(folder: Path) -> None:
    """Have the names of the store's files on disk: SQLite does so, and passes over what
    the disk says to it."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        raise StoreError(f"{folder} can't be synced to disk: {error}") from error


def _look(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            require_current(connection)
    except SQLAlchemyError as error:
        raise translate(error) from error


@contextmanager
def _private(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its other files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"the store can't be made: {error}") from error
    yield
