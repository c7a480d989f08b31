"""A copy of the store, made while it is in use, that knows that it is a copy.

Invariant: what stands under the name of a copy is a whole one, on the disk; until then
nothing does, or what stood there before.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import PermanentError, StoreError
from postroom.store.dialects import reading_engine, translate, writing_engine
from postroom.store.migrations import require_current
from postroom.store.restoring import mark_copy
from postroom.store.schema import account, content, delivery, message, meta
from postroom.store.upkeep import copy_into


@dataclass(frozen=True)
class Backup:
    """What a copy holds."""

    file: str
    octets: int
    store_id: str
    schema_version: int
    made: datetime
    accounts: int
    messages: int
    deliveries: int
    contents: int


def back_up(store: Path, target: Path, made: datetime, *, replace: bool) -> Backup:
    """Copy the store to `target`; over a file that is there only to `replace` it.

    Raises `PermanentError` if it can't be, and `StoreError` if the store can't be read.
    """
    if not store.exists():
        raise StoreError(f"there is no store at {store}")
    if target.exists() and not replace:
        raise PermanentError(f"{target} is there already: --replace writes over it")
    if target.exists() and target.samefile(store):
        raise PermanentError(f"{target} is the store itself")
    try:
        return _make(store, target, made, replace=replace)
    except OSError as error:
        raise PermanentError(f"{target} can't be written: {error}") from error
    except SQLAlchemyError as error:
        raise translate(error) from error


def _make(store: Path, target: Path, made: datetime, *, replace: bool) -> Backup:
    # Made beside it, so that to give it the name is one step; its mode is 0600.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    unfinished = Path(name)
    try:
        _copy(store, unfinished)
        held = _mark(unfinished, target, made)
        os.fsync(descriptor)
        if replace:
            unfinished.replace(target)
        else:
            os.link(unfinished, target)  # never over one that came meanwhile
        _sync_folder(target.parent)
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return held


def _copy(store: Path, target: Path) -> None:
    engine = reading_engine(store)
    try:
        with engine.connect() as connection:
            require_current(connection)
            connection.rollback()
            copy_into(connection, target)
    finally:
        engine.dispose()


def _mark(copy: Path, target: Path, made: datetime) -> Backup:
    engine = writing_engine(copy)
    try:
        with engine.begin() as connection:
            mark_copy(connection, made)
        with engine.connect() as connection:
            return _tell(connection, copy, target, made)
    finally:
        engine.dispose()


def _tell(connection: Connection, copy: Path, target: Path, made: datetime) -> Backup:
    def count(table: Table) -> int:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()

    about = connection.execute(select(meta)).one()
    return Backup(
        file=str(target),
        octets=copy.stat().st_size,
        store_id=about.store_id,
        schema_version=about.schema_version,
        made=made,
        accounts=count(account),
        messages=count(message),
        deliveries=count(delivery),
        contents=count(content),
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
