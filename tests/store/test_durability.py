"""What is synced to disk before it is said to be done, and what need not be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroom.ports import Hold, HoldKind, RelayReport
from postroom.store.dialects import reading_engine, writing_engine
from postroom.store.reader import open_reader
from postroom.store.store import SqlStore
from postroom.store.writer import open_writer
from tests.store.samples import NOON, StillClock, cursor, message, with_store
from tests.store.test_writer import Desk

NORMAL, FULL = 1, 2
HOLD = Hold(HoldKind.RULE, "Invoices", "it hangs", NOON)

Change = Callable[[SqlStore], Awaitable[object]]


async def nothing(store: SqlStore) -> None:
    """Only have the store made."""


def level(connection: Connection) -> object:
    """How the transaction that this is part of is synced."""
    return connection.exec_driver_sql("PRAGMA synchronous").scalar()


async def level_beside(path: Path, change: Change) -> object:
    """How a transaction is synced of which this change is part."""
    writing, reading = writing_engine(path), reading_engine(path)
    with open_writer(writing) as writer, open_reader(reading) as reader:
        store = SqlStore(reader, writer, StillClock(), "1")
        async with Desk(writing, writer).busy():
            changing = asyncio.ensure_future(change(store))
            told = asyncio.ensure_future(writer.write(level, durable=False))
            await asyncio.sleep(0)
        await changing
        found = await told
    reading.dispose()
    writing.dispose()
    return found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda store: store.hold(HOLD), FULL),
        (lambda store: store.release(HoldKind.RULE, "Invoices"), FULL),
        (lambda store: store.adopt("home", "INBOX", cursor(1)), FULL),
        (lambda store: store.note_arrived([message(1)]), FULL),
        (lambda store: store.mark_sending([]), FULL),
        (lambda store: store.settle([]), FULL),
        (lambda store: store.resolve([]), FULL),
        (lambda store: store.recover(NOON), FULL),
        (lambda store: store.drop_deliveries([]), FULL),
        (lambda store: store.report_relay(RelayReport("home", "")), NORMAL),
    ],
)
def test_what_must_not_be_forgotten_is_synced(
    path: Path, change: Change, expected: int
) -> None:
    with_store(path, nothing)
    assert asyncio.run(level_beside(path, change)) == expected
