"""What the store remembers of itself, among what plugins remember.

Invariant: no plugin reads or writes it, because none can have such a name; and it has
no end.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from postroom.store.schema import memory

OWN = "postroom:store"

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def recall(connection: Connection, key: str) -> str | None:
    """The text of this key; None if there is none."""
    is_it = memory.c.plugin == OWN, memory.c.key == key
    return connection.execute(select(memory.c.text).where(*is_it)).scalar()


def remember(connection: Connection, key: str, text: str) -> None:
    """Keep a text under a key, instead of the one there was."""
    forget(connection, key)
    row = {"plugin": OWN, "key": key, "text": text, "until": _FOR_EVER}
    connection.execute(insert(memory), row)


def forget(connection: Connection, key: str) -> None:
    """Keep nothing under the key."""
    is_it = memory.c.plugin == OWN, memory.c.key == key
    connection.execute(delete(memory).where(*is_it))
