"""The schema's versions, and how an older store becomes a current one.

Invariant: a store is taken from its version to the current one in one transaction, or
left as it was. A store of the current version is not written to.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, inspect, select, update

from postroom.errors import StoreError
from postroom.store.schema import meta, metadata

Migration = Callable[[Connection], None]

FIRST_VERSION = 1

# The n-th takes a store from version n to n + 1. A published one is never changed.
MIGRATIONS: tuple[Migration, ...] = ()


def current_version(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The version of the schema that this postroom reads and writes."""
    return FIRST_VERSION + len(migrations)


def schema_version(connection: Connection) -> int | None:
    """The version of the store's schema; None if the database is empty."""
    tables = inspect(connection).get_table_names()
    if meta.name in tables:
        version: int = connection.execute(select(meta.c.schema_version)).scalar_one()
        return version
    if tables:
        raise StoreError("the database is not a store of postroom")
    return None


def require_current(connection: Connection) -> None:
    """Raise `StoreError` unless the store has the current schema."""
    found = schema_version(connection)
    _refuse_newer(found, current_version())
    if found != current_version():
        raise StoreError(
            f"the store has schema version {found}, and this postroom reads version "
            f"{current_version()}; starting the daemon once brings it up to date"
        )


def migrate(
    connection: Connection,
    now: datetime,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Make the schema, or bring it up to date; the caller owns the transaction."""
    current = current_version(migrations)
    found = schema_version(connection)
    _refuse_newer(found, current)
    if found is None:
        _create(connection, now, current)
    elif found < current:
        for migration in migrations[found - FIRST_VERSION :]:
            migration(connection)
        connection.execute(update(meta).values(schema_version=current))


def _create(connection: Connection, now: datetime, version: int) -> None:
    metadata.create_all(connection)
    connection.execute(
        insert(meta).values(
            id=1, store_id=str(uuid.uuid4()), schema_version=version, created=now
        )
    )


def _refuse_newer(found: int | None, current: int) -> None:
    if found is not None and found > current:
        raise StoreError(
            f"the store was written by a newer postroom: its schema has version "
            f"{found}, and this one knows versions up to {current}"
        )
