"""Looking up many rows at once, and one among a million, without going through all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, Select, insert, select

from postroom.store.claims import OWN
from postroom.store.dialects import among, reading_engine, writing_engine
from postroom.store.earlier import marks_to_find
from postroom.store.maildrop_items import BY_HASH, BY_NAME, BY_UID, MISSING_BY_HASH
from postroom.store.schema import memory, message
from postroom.store.slices import rows_where
from postroom.store.store import SqlStore
from tests.store.samples import NOON, with_store


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def plan_of(connection: Connection, query: Select[tuple[object, ...]]) -> list[str]:
    """How the database will go about it."""
    compiled = query.compile(connection)
    values = tuple(
        "[]" if name == "given" else compiled.params[name]
        for name in compiled.positiontup or ()
    )
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
    return [row.detail for row in steps]


def test_a_message_is_found_by_its_message_id_whatever_the_mailbox_has_held(
    path: Path,
) -> None:
    with_store(path, nothing)
    engine = reading_engine(path)
    with engine.connect() as connection:
        query = marks_to_find("home", "INBOX").where(among(message.c.message_id))
        plan = " ".join(plan_of(connection, query))
    engine.dispose()
    assert "message USING INDEX ix_message_message_id_size_received" in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (BY_UID, "(uidvalidity=? AND uid=?)"),
        (BY_NAME, "(uidvalidity=? AND uidl=?)"),
        (BY_HASH, "(uidvalidity=? AND content_hash=?)"),
        (MISSING_BY_HASH, "(uidvalidity=? AND content_hash=?)"),
        (OWN, "effect USING INTEGER PRIMARY KEY"),
    ],
)
def test_a_few_are_found_without_going_through_all_that_was_ever_there(
    path: Path, query: Select[tuple[object, ...]], index: str
) -> None:
    with_store(path, nothing)
    engine = reading_engine(path)
    with engine.connect() as connection:
        steps = plan_of(connection, query)
    engine.dispose()
    assert index in steps[0]


def test_more_keys_are_looked_up_than_a_statement_takes_values(path: Path) -> None:
    with_store(path, nothing)
    odd = "lone \udcff, nul \0, quote ' and \""
    engine = writing_engine(path)
    with engine.begin() as connection:
        for key in ("first", odd, "other"):
            row = {"plugin": "acme", "key": key, "text": "", "until": NOON}
            connection.execute(insert(memory), row)
        keys = ["first", odd, *(f"unknown {number}" for number in range(100_000))]
        rows = rows_where(connection, select(memory.c.key), memory.c.key, keys)
        assert len(rows) == 2
    engine.dispose()
