"""From schema version 5 to 6: how far the UIDs of a target reached before a copy.

This was published and is never changed: it names no table of today's schema.
"""

from __future__ import annotations

from sqlalchemy import Connection

_STATEMENTS = (
    "ALTER TABLE effect ADD COLUMN before_uidvalidity BIGINT",
    "ALTER TABLE effect ADD COLUMN before_uidnext BIGINT",
)


def to_6(connection: Connection) -> None:
    """Of what was begun earlier nothing is noted: its copies can't be told."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
