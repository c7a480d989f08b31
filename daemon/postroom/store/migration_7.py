"""From schema version 6 to 7: how often something was begun last and never ended.

This was published and is never changed: it names no table of today's schema.
"""

from __future__ import annotations

from sqlalchemy import Connection

_STATEMENTS = (
    "ALTER TABLE effect ADD COLUMN begun BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE delivery ADD COLUMN begun BIGINT NOT NULL DEFAULT 0",
)


def to_7(connection: Connection) -> None:
    """Nothing is blamed for how an earlier version ended."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
