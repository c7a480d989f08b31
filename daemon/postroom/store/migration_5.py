"""From schema version 4 to 5: attempts are counted before they are made, and a message
has one plan of each occasion.

This was published and is never changed: it names no table of today's schema.
"""

from __future__ import annotations

from sqlalchemy import Connection

_STATEMENTS = (
    # What is being done or sent was counted only at its end.
    "UPDATE delivery SET attempts = attempts + 1 WHERE state = 'sending'",
    "UPDATE effect SET attempts = 1 WHERE state = 'doing' AND attempts = 0",
    # All plans were made of mail that had arrived. Should a message have several, the
    # first keeps the name.
    "ALTER TABLE plan ADD COLUMN occasion TEXT NOT NULL DEFAULT 'live'",
    "UPDATE plan SET occasion = 'live ' || id WHERE EXISTS (SELECT 1 FROM plan AS other"
    " WHERE other.message = plan.message AND other.id < plan.id)",
    "DROP INDEX ix_plan_message",
    "CREATE UNIQUE INDEX ix_plan_message_occasion ON plan (message, occasion)",
)


def to_5(connection: Connection) -> None:
    """The keys of effects stay as they are: some have been told to others."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
