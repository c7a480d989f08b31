"""From schema version 2 to 3: performs are carried out, and rules and accounts held.

This was published and is never changed: it names no table of today's schema.
"""

from __future__ import annotations

from sqlalchemy import Connection

_COLUMNS = (
    "ALTER TABLE message ADD COLUMN waits_for TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE effect ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE effect ADD COLUMN next_attempt BIGINT",
    "ALTER TABLE effect ADD COLUMN content_hash VARCHAR(64)"
    " CONSTRAINT fk_effect_content_hash REFERENCES content (hash)",
    "CREATE INDEX ix_effect_kind_state_next_attempt"
    " ON effect (kind, state, next_attempt)",
)

_TABLES = (
    """CREATE TABLE hold (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        reason TEXT NOT NULL,
        since BIGINT NOT NULL,
        CONSTRAINT pk_hold PRIMARY KEY (kind, name),
        CONSTRAINT ck_hold_kind CHECK (kind IN ('rule', 'account'))
    )""",
    """CREATE TABLE memory (
        plugin TEXT NOT NULL,
        "key" TEXT NOT NULL,
        text TEXT NOT NULL,
        until BIGINT NOT NULL,
        CONSTRAINT pk_memory PRIMARY KEY (plugin, "key")
    )""",
    "CREATE INDEX ix_memory_until ON memory (until)",
    """CREATE TABLE notice (
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        updated BIGINT NOT NULL,
        CONSTRAINT pk_notice PRIMARY KEY (name)
    )""",
    """CREATE TABLE vocabulary (
        name TEXT NOT NULL,
        plugin TEXT NOT NULL,
        CONSTRAINT pk_vocabulary PRIMARY KEY (name)
    )""",
)


def to_3(connection: Connection) -> None:
    """Nothing waits so far; performs that were held, as none was carried out, stay so
    until their rule is released."""
    for statement in (*_COLUMNS, *_TABLES):
        connection.exec_driver_sql(statement)
