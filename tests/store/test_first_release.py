"""A store that the first postroom left with work in it, taken over as it is.

`first_release.sql` is a dump of what that version's own code wrote.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.rules.effects import Delete, FileInto, SetFlags
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    StillClock,
    cursor,
    decide,
    deliver,
    finish,
    message,
    plan,
    with_store,
)

DUMP = Path(__file__).with_name("first_release.sql")
LATER = NOON + timedelta(minutes=6)


@pytest.fixture
def left(path: Path) -> Path:
    """The path of such a store, as its daemon left it when it was killed."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(DUMP.read_text())
    return path


def states(path: Path, table: str) -> dict[int, str]:
    """The state of each row of this table."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute(f"SELECT id, state FROM {table}").fetchall())


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def test_nothing_is_lost(left: Path) -> None:
    tables = "message", "effect", "delivery"
    before = {table: states(left, table) for table in tables}
    assert set(before["delivery"].values()) == {
        *("queued", "delayed", "sending", "unknown", "failed", "delivered")
    }
    with_store(left, nothing)
    assert {table: states(left, table) for table in tables} == before
    with closing(sqlite3.connect(left)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_is_in_mailboxes_is_done(left: Path) -> None:
    flagged = SetFlags(frozenset({"\\Flagged"}))

    async def steps(store: SqlStore) -> None:
        told = await store.open_effects("home", "INBOX", 7)
        assert [(each.effect, each.attempted) for each in told] == [
            (FileInto("Begun"), True),
            (flagged, False),
            (FileInto("Planned"), False),
        ], "the expunge waits for what is to be sent"
        await finish(store)
        messages = (await store.summary()).messages["home"]
        assert messages[MessageState.ACKNOWLEDGED] == 4

    with_store(left, steps)


def test_what_waits_is_sent_and_what_was_past_the_dot_is_sent_again(left: Path) -> None:
    clock = StillClock()
    clock.forward(minutes=6)

    async def steps(store: SqlStore) -> None:
        assert await store.recover(LATER) == 1
        due = await store.due(LATER, 9)
        assert {each.recipient: each.attempts for each in due} == {
            "queued@example.org": 0,
            "delayed@example.org": 1,
            "sending@example.org": 1,
            "last@example.org": 0,
        }
        assert await deliver(store, due, DeliveryState.DELIVERED) == {("home", "INBOX")}
        expunge = (await store.open_effects("home", "INBOX", 7))[-1]
        assert expunge.effect == Delete(forever=True)

    with_store(left, steps, clock=clock)


def test_what_was_being_sent_has_its_attempt_counted(left: Path) -> None:
    async def steps(store: SqlStore) -> None:
        (sending,) = await store.list_deliveries([DeliveryState.SENDING])
        assert sending.attempts == 1, "the first postroom counted it at its end"
        await store.recover(NOON)
        shown = await store.show_delivery(sending.id)
        assert (shown.report.state, shown.report.attempts) == ("queued", 1)

    with_store(left, steps)


def test_what_was_not_decided_is_and_what_was_is_not_again(left: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await store.undecided("home", "INBOX", 7) == [11]
        assert await store.cursor("home", "INBOX") == cursor(12)
        assert await store.begin_again(message(11).key) == 2
        before = states(left, "effect")
        await decide(
            store,
            *((message(uid), plan("again", FileInto("Again"))) for uid in range(1, 13)),
        )
        added = set(states(left, "effect")) - set(before)
        assert len(added) == 1, "of the one that was not decided"
        (given_up,) = await store.quarantined()
        assert (given_up.key, given_up.reason) == (message(12).key, "it broke")
        await store.release_quarantined([given_up.id])
        await decide(store, (message(12), plan("again", FileInto("Again"))))
        assert len(await store.open_effects("home", "INBOX", 7)) == 5

    with_store(left, steps)
    assert EffectState.DOING in states(left, "effect").values()
