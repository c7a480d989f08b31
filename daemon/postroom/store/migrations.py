"""The schema's versions, and how an older store becomes a current one.

Invariant: a store is taken from its version to the current one in one transaction, or
left as it was. A store of the current version is not written to.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import (
    Connection,
    column,
    insert,
    inspect,
    select,
    table,
    text,
    update,
)

from postroom.errors import StoreError
from postroom.mail.names import canonical
from postroom.store.dialects import drop_triggers
from postroom.store.guards import lay_guards
from postroom.store.migration_3 import to_3
from postroom.store.migration_4 import to_4
from postroom.store.migration_5 import to_5
from postroom.store.migration_6 import to_6
from postroom.store.migration_7 import to_7
from postroom.store.schema import meta, metadata

Migration = Callable[[Connection], None]

FIRST_VERSION = 1


def _to_2(connection: Connection) -> None:
    """The name of an account, the UID of a message and the spelling of a mailbox may
    come to mean another; what would go out of a message may be held."""
    _tell_apart(connection)
    _hold(connection)
    _spell_names(connection)


def _tell_apart(connection: Connection) -> None:
    """Accounts by their login, and effects by the row of their message."""
    connection.exec_driver_sql("ALTER TABLE account ADD COLUMN identity TEXT")
    connection.exec_driver_sql("UPDATE effect SET key = message || ':' || key")


def _hold(connection: Connection) -> None:
    """Messages of which nothing may go out, and why: none so far."""
    connection.exec_driver_sql(
        "ALTER TABLE message ADD COLUMN held TEXT NOT NULL DEFAULT ''"
    )


def _spell_names(connection: Connection) -> None:
    """Names of mailboxes in the spelling in which they are compared from now on; two
    that were one mailbox under two names become one."""
    boxes = table("mailbox", column("id"), column("account_id"), column("name"))
    rows = connection.execute(select(boxes).order_by(boxes.c.id)).all()
    spelled = {(row.account_id, row.name): row.id for row in rows}
    for row in rows:
        name = canonical(row.name)
        owner = spelled.setdefault((row.account_id, name), row.id)
        if owner != row.id:
            _merge(connection, row.id, owner)
        elif row.name != name:
            is_it = boxes.c.id == row.id
            connection.execute(update(boxes).where(is_it).values(name=name))
    _spell_targets(connection)


def _merge(connection: Connection, mailbox_id: int, into: int) -> None:
    """Have another go on with what was seen and planned in this mailbox, which is never
    looked at again. A message that the other has seen too stays here as well; what was
    planned for it does not."""
    ids = {"old": mailbox_id, "new": into}
    connection.execute(
        text(
            "UPDATE message SET mailbox_id = :new WHERE mailbox_id = :old"
            " AND NOT EXISTS (SELECT 1 FROM message AS other WHERE"
            " other.mailbox_id = :new AND other.uidvalidity = message.uidvalidity"
            " AND other.uid = message.uid)"
        ),
        ids,
    )
    connection.execute(
        text("UPDATE effect SET source_mailbox = :new WHERE source_mailbox = :old"),
        ids,
    )


def _spell_targets(connection: Connection) -> None:
    """Names of mailboxes that messages were placed in."""
    effects = table("effect", column("target_mailbox"))
    target = effects.c.target_mailbox
    for name in connection.execute(select(target).distinct()).scalars().all():
        if name is not None and name != canonical(name):
            spelled = {target: canonical(name)}
            connection.execute(update(effects).where(target == name).values(spelled))


# The n-th takes a store from version n to n + 1. A published one is never changed.
MIGRATIONS: tuple[Migration, ...] = (_to_2, to_3, to_4, to_5, to_6, to_7)


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
        drop_triggers(connection)
        for migration in migrations[found - FIRST_VERSION :]:
            migration(connection)
        lay_guards(connection)
        connection.execute(update(meta).values(schema_version=current))


def _create(connection: Connection, now: datetime, version: int) -> None:
    metadata.create_all(connection)
    lay_guards(connection)
    connection.execute(
        insert(meta).values(
            id=1, store_id=str(uuid.uuid4()), schema_version=version, created=now
        )
    )


def _refuse_newer(found: int | None, current: int) -> None:
    if found is not None and found > current:
        raise StoreError(
            f"the store was written by a newer postroom: its schema has version "
            f"{found}, and this one knows versions up to {current}. A store is never "
            f"taken back to an older version: install that postroom again, or put back "
            f"a copy of the store from before; what was done since is not known then"
        )
