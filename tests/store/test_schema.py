"""What the database itself refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from postroom.ports import Hold, HoldKind
from postroom.rules.effects import FileInto, Send
from postroom.store.schema import metadata
from postroom.store.store import SqlStore
from postroom.store.values import Instant, storable
from tests.store.samples import NOON, decide, message, outgoing, plan, with_store

SQLITE = sqlite_dialect()
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
MOMENTS = st.datetimes(
    datetime(1900, 1, 1),
    datetime(2400, 1, 1),
    timezones=st.timezones() | st.just(UTC),
)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A store with a row in each table that has states."""

    async def fill(store: SqlStore) -> None:
        effects = FileInto("News"), Send(outgoing())
        await decide(store, (message(1), plan("k", *effects)))
        await store.mark_sending([1])
        await store.hold(Hold(HoldKind.RULE, "Invoices", "it hangs", NOON))

    with_store(path, fill)
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA foreign_keys=ON")
        yield opened


@pytest.mark.parametrize(
    "column",
    [
        "message.state",
        "effect.state",
        "effect.kind",
        "delivery.state",
        "attempt.outcome",
        "outgoing.retry",
        "run.mode",
        "hold.kind",
    ],
)
def test_a_word_that_is_no_state_is_refused(
    connection: sqlite3.Connection, column: str
) -> None:
    table, name = column.split(".")
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,)
    # The triggers would refuse it before.
    for (trigger,) in connection.execute(TRIGGERS).fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(f"UPDATE {table} SET {name} = 'nonsense'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE effect SET message = 99",
        "DELETE FROM message",
        "UPDATE outgoing SET content_hash = 'none'",
        "INSERT INTO meta SELECT 2, store_id, schema_version, created FROM meta",
        "INSERT INTO mailbox (account_id, name) SELECT account_id, name FROM mailbox",
        "UPDATE effect SET key = 'same'",
    ],
)
def test_rows_without_their_parents_or_twice_are_refused(
    connection: sqlite3.Connection, statement: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_times_are_integers_of_microseconds_in_utc(
    connection: sqlite3.Connection,
) -> None:
    (received,) = connection.execute("SELECT received FROM message").fetchone()
    assert received == round(NOON.timestamp() * 1_000_000)


def test_the_whole_schema_is_there_from_the_first_day(
    connection: sqlite3.Connection,
) -> None:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    found = {name for (name,) in connection.execute(query)}
    assert found == set(metadata.tables)
    assert found >= {"reply_window", "counter", "hold", "memory"}
    for table in ("account", "delivery"):
        columns = connection.execute(f"SELECT * FROM {table}").description
        assert {column[0] for column in columns} >= {"owner", "lease", "fence"}


@given(MOMENTS)
def test_a_time_comes_back_to_the_microsecond(moment: datetime) -> None:
    kept = Instant().process_bind_param(moment, SQLITE)
    assert isinstance(kept, int)
    # PEP 495: a time that the clocks show twice equals none of another zone.
    assert Instant().process_result_value(kept, SQLITE) == moment.astimezone(UTC)


@given(st.text(st.characters()))
def test_any_text_can_be_kept_and_is_kept_the_same_way_twice(text: str) -> None:
    kept = storable(text)
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert "\0" not in kept
    assert storable(kept) == kept
    if text.isprintable():
        assert kept == text


@given(st.text(st.characters(categories=["Cs"]), min_size=1))
def test_octets_that_are_no_utf_8_are_kept_as_escapes(text: str) -> None:
    assert storable(text).isascii()
