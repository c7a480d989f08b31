"""A check finds what is wrong with a store, all of it, and changes nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import DeliveryState
from postroom.rules.effects import FileInto, Send
from postroom.store.dialects import LOG_KEPT
from postroom.store.integrity import find_faults
from postroom.store.store import SqlStore
from postroom.store.upkeep import empty_log, measure, require_sound
from tests.store.samples import (
    NOON,
    cursor,
    decide,
    deliver,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)

SEND = Send(outgoing("ann@example.org", "bob@example.org", content=b"x" * 600_000))


async def work(store: SqlStore) -> None:
    """Have messages in several states, and one delivery done."""
    await decide(
        store,
        (message(1), plan("a", FileInto("A"))),
        (message(2), plan("b", SEND, FileInto("A"))),
        at=cursor(2),
    )
    await finish(store)
    await deliver(store, (await store.due(NOON, 1)), DeliveryState.DELIVERED)
    await store.note_arrived([message(3)])


def spoil(path: Path, *statements: str) -> None:
    """Change the store as nothing of postroom does, and nothing that guards it lets."""
    with closing(sqlite3.connect(path)) as connection, connection:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(guards).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def test_a_sound_store_has_no_faults_while_it_is_used(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await work(store)
        assert find_faults(path) == []

    with_store(path, steps)
    assert find_faults(path) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE message SET state = 'acknowledged' WHERE uid = 2;"
            "UPDATE effect SET state = 'planned' WHERE kind = 'move'",
            "an acknowledged message has an open effect: ",
        ),
        (
            "UPDATE message SET state = 'seen' WHERE uid = 2",
            "a message that is not decided has an open effect: 2",
        ),
        (
            "DELETE FROM attempt; DELETE FROM delivery; DELETE FROM outgoing",
            "an open effect that sends has nothing to send: ",
        ),
        (
            "UPDATE effect SET state = 'done'",
            "an effect is done, and not its delivery: 2",
        ),
        ("DELETE FROM attempt", "a delivery went out without an attempt: 1"),
        ("UPDATE mailbox SET uid = NULL", "a mailbox has half a cursor: INBOX"),
        ("DELETE FROM content_chunk", "a content that is still needed is not there: "),
        (
            "DELETE FROM content_chunk WHERE ordinal = 1",
            "a content is not what was kept: ",
        ),
        (
            "UPDATE content_chunk SET octets = x'00' WHERE ordinal = 2",
            "(524289 of 600000 octets)",
        ),
        ("DELETE FROM account", "mailbox 1 refers to no account"),
        ("UPDATE meta SET schema_version = 99", "a newer postroom"),
    ],
)
def test_what_rows_promise_is_checked(path: Path, statement: str, fault: str) -> None:
    with_store(path, work)
    spoil(path, *statement.split(";"))
    before = path.read_bytes()
    assert any(fault in each for each in find_faults(path))
    assert path.read_bytes() == before


def test_all_faults_are_told_at_once(path: Path) -> None:
    with_store(path, work)
    spoil(path, "DELETE FROM attempt", "UPDATE mailbox SET uid = NULL")
    assert len(find_faults(path)) == 2


def test_of_many_of_a_kind_some_are_told(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        many = [(message(uid), plan(f"{uid}", FileInto("A"))) for uid in range(1, 31)]
        await decide(store, *many)

    with_store(path, steps)
    spoil(path, "UPDATE message SET state = 'acknowledged'")
    faults = find_faults(path)
    assert len(faults) == 21
    assert faults[-1] == "an acknowledged message has an open effect: 10 more"


def test_damaged_pages_are_told_and_nothing_else(path: Path) -> None:
    with_store(path, work)
    damage(path)
    faults = find_faults(path)
    assert faults
    assert not any("promise" in each for each in faults)


def test_what_is_no_database_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    assert "not a database" in find_faults(path)[0]
    path.unlink()
    with pytest.raises(StoreError, match="there is no store at"):
        find_faults(path)


# -- at a start ------------------------------------------------------------------------


def damage(path: Path, page: int = 4) -> None:
    """Overwrite the middle of the file, but not its beginning."""
    octets = bytearray(path.read_bytes())
    octets[page * 4096 + 8 : -4096] = b"\xaa" * (len(octets) - (page + 1) * 4096 - 8)
    path.write_bytes(octets)


@pytest.mark.parametrize("how", ["pages", "header", "schema"])
def test_a_damaged_store_is_not_opened_and_not_changed(path: Path, how: str) -> None:
    """The words say what to do."""
    with_store(path, work)
    if how == "pages":
        damage(path)
    elif how == "header":
        path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    else:
        octets = path.read_bytes()
        path.write_bytes(octets[:100] + b"\xaa" * 3996 + octets[4096:])
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged: .*postroom store check"):
        with_store(path, work)
    assert path.read_bytes() == before


def test_of_a_large_store_only_the_beginning_is_read_at_a_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.store.upkeep.QUICKLY_CHECKED", 1000)
    with_store(path, work)
    octets = path.read_bytes()
    path.write_bytes(octets[:100] + b"\xaa" * 3996 + octets[4096:])
    with pytest.raises(StoreError, match="is damaged"):
        with_store(path, work)


# A writer that is killed, and one who reads what it has left, and takes its time.
_KILLED = """
import os, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA journal_mode=WAL")
store.execute("CREATE TABLE more (number)")
os._exit(0)
"""
_RECOVERING = """
import fcntl, sys
with open(sys.argv[1], "r+b") as shared:
    shared.write(bytes(136))  # what is in the log is to be found out anew
    shared.flush()
    fcntl.lockf(shared, fcntl.LOCK_SH, 1, 128)  # somebody has it open
    fcntl.lockf(shared, fcntl.LOCK_EX, 8, 120)  # and finds out
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_store_that_another_reads_first_after_a_kill_is_not_damaged(
    path: Path,
) -> None:
    with_store(path, work)
    subprocess.run([sys.executable, "-c", _KILLED, path], check=True)
    command = [sys.executable, "-c", _RECOVERING, f"{path}-shm"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"locked\n"
        require_sound(path, timedelta(0))
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            with pytest.raises(sqlite3.OperationalError, match="locked") as found:
                connection.execute("SELECT * FROM more")
            assert found.value.sqlite_errorname == "SQLITE_BUSY_RECOVERY"
        other.stdin.close()
    require_sound(path)


# -- the log ---------------------------------------------------------------------------


def test_the_log_is_emptied_once_no_reader_needs_it(path: Path) -> None:
    """Beside a long reader it grows; writing goes on, and nobody waits."""

    async def steps(store: SqlStore) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM message").fetchone() == (0,)
            for uid in range(1, 12):
                sent = Send(outgoing(content=b"%d" % uid * 500_000))
                await decide(store, (message(uid), plan(f"{uid}", sent)))
            assert measure(path).log > LOG_KEPT
            assert not empty_log(path)
            assert reader.execute("SELECT count(*) FROM message").fetchone() == (0,)
            reader.execute("COMMIT")
        assert empty_log(path)
        assert measure(path).log == 0
        assert len(await store.due(NOON, 100)) == 11

    with_store(path, steps)


def test_without_readers_the_log_stays_small_by_itself(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        for uid in range(1, 40):
            sent = Send(outgoing(content=b"%d" % uid * 500_000))
            await decide(store, (message(uid), plan(f"{uid}", sent)))
        assert measure(path).log < 3 * LOG_KEPT

    with_store(path, steps)
