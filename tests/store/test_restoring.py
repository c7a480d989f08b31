"""A store that was put back sends nothing again, and says so; one that was not, all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import PermanentError, StoreError
from postroom.ports import DeliveryState, Restored
from postroom.rules.effects import Perform, Send
from postroom.store.backup import back_up
from postroom.store.integrity import find_faults
from postroom.store.store import SqlStore
from postroom.store.waymark import Waymark, read_waymark, write_waymark
from tests.store.samples import (
    NOON,
    StillClock,
    cursor,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

SEND = Send(outgoing())


async def begin(store: SqlStore) -> None:
    """Something to send and something to perform."""
    planned = plan("k", SEND, Perform("{}", action="pipe"))
    await decide(store, (message(1), planned), at=cursor(1))


async def reopen(store: SqlStore, path: Path) -> Restored | None:
    """What a start does."""
    restored = await store.settle_restored(read_waymark(path))
    write_waymark(path, await store.waymark())
    return restored


async def waiting(store: SqlStore) -> tuple[int, int]:
    """How much is due: deliveries and performs."""
    return len(await store.due(NOON, 9)), len(await store.due_performs(NOON, 9))


def test_a_store_that_nobody_touched_goes_on(path: Path) -> None:
    async def first(store: SqlStore) -> None:
        assert await reopen(store, path) is None
        await begin(store)
        write_waymark(path, await store.waymark())

    async def second(store: SqlStore) -> None:
        assert await reopen(store, path) is None
        assert await waiting(store) == (1, 1)
        assert await store.restored() is None

    with_store(path, first)
    with_store(path, second)


def test_a_copy_put_in_its_place_holds_what_would_go_out(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    with_store(path, begin)
    back_up(path, copy, NOON, replace=False)
    copy.replace(path)

    async def steps(store: SqlStore) -> None:
        reason = "the store was restored from a copy of 2026-03-01 12:00"
        assert await reopen(store, path) == Restored(NOON, reason)
        assert await waiting(store) == (0, 0)
        told = (await store.list_deliveries([DeliveryState.HELD]))[0]
        assert told.reply == reason
        assert reason in (await store.summary()).notices[0].text
        assert await store.restored() == Restored(NOON, reason)
        # The owner says so.
        await store.retry_deliveries([told.id])
        assert await waiting(store) == (1, 0)

    with_store(path, steps)
    assert find_faults(path) == []

    async def later(store: SqlStore) -> None:
        assert await reopen(store, path) is None
        assert await waiting(store) == (1, 0)
        assert (await store.summary()).notices == ()

    with_store(path, later)


@pytest.mark.parametrize("is_after_a_run", [True, False])
def test_an_older_file_put_in_its_place_is_known_by_its_waymark(
    path: Path, tmp_path: Path, is_after_a_run: bool
) -> None:
    """By the runs it has not seen, or by the messages."""
    older = tmp_path / "older.db"

    async def go_on(store: SqlStore) -> None:
        if is_after_a_run:
            await decide(store)
        else:
            await store.note_arrived([message(2)])
        write_waymark(path, await store.waymark())

    with_store(path, begin)
    shutil.copy(path, older)
    with_store(path, go_on)
    shutil.copy(older, path)

    async def steps(store: SqlStore) -> None:
        restored = await reopen(store, path)
        assert restored
        assert restored.reason == "the store was replaced by an older one"
        assert await waiting(store) == (0, 0)

    with_store(path, steps)


def test_a_lost_store_is_known_by_its_waymark(path: Path) -> None:
    async def start(store: SqlStore) -> Restored | None:
        return await reopen(store, path)

    assert with_store(path, start) is None
    path.unlink()
    restored = with_store(path, start)
    assert restored
    assert restored.reason == "the store was lost or exchanged"


@pytest.mark.parametrize("text", ["", "x", "id 1", "id 1 2 3", "id a b", "\xff 1 2"])
def test_a_waymark_that_can_not_be_read_is_none(path: Path, text: str) -> None:
    with_store(path, begin)
    path.with_name("postroom.db.waymark").write_text(text, "latin-1")
    assert read_waymark(path) is None


def test_a_waymark_tells_of_no_more_than_is_on_the_disk(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await begin(store)
        mark = await store.waymark()
        assert (mark.run, mark.message) == (1, 1)
        assert not mark.is_beyond(mark)
        assert mark.is_beyond(Waymark(mark.store_id, 1, 0))
        assert mark.is_beyond(Waymark(mark.store_id, 0, 1))
        assert not Waymark(mark.store_id, 1, 0).is_beyond(mark)

    with_store(path, steps)


# -- copies ----------------------------------------------------------------------------


def test_a_copy_is_made_beside_a_daemon_and_says_what_it_holds(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"

    async def steps(store: SqlStore) -> None:
        await begin(store)
        held = back_up(path, copy, NOON, replace=False)
        await store.note_arrived([message(2)])
        assert (held.messages, held.deliveries, held.accounts) == (1, 1, 1)
        assert held.octets == copy.stat().st_size

    with_store(path, steps)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["copy.db"]
    assert find_faults(copy) == []
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (1,)


def test_a_copy_never_overwrites_unasked(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("dear")
    with_store(path, begin)
    with pytest.raises(PermanentError, match="is there already: --replace"):
        back_up(path, copy, NOON, replace=False)
    assert copy.read_text() == "dear"
    back_up(path, copy, NOON, replace=True)
    assert find_faults(copy) == []


def test_the_store_is_no_place_for_its_copy(path: Path) -> None:
    with_store(path, begin)
    with pytest.raises(PermanentError, match="is the store itself"):
        back_up(path, path, NOON, replace=True)


def test_a_copy_that_can_not_be_made_leaves_nothing(path: Path, tmp_path: Path) -> None:
    with_store(path, begin)
    path.write_bytes(path.read_bytes()[:5000] + b"\xaa" * 30_000)
    with pytest.raises((StoreError, PermanentError)):
        back_up(path, tmp_path / "copy.db", NOON, replace=False)
    assert [each for each in tmp_path.iterdir() if each.is_file()] == []
    with pytest.raises(PermanentError, match="can't be written"):
        back_up(path, tmp_path / "none" / "copy.db", NOON, replace=False)


def test_the_time_of_the_copy_is_told_by_the_clock(path: Path, tmp_path: Path) -> None:
    """Restored a month later: the copy's age is in the words."""
    copy = tmp_path / "copy.db"
    with_store(path, begin)
    back_up(path, copy, NOON, replace=False)
    copy.replace(path)
    clock = StillClock()
    clock.forward(days=30)
    restored = with_store(path, lambda store: reopen(store, path), clock=clock)
    assert restored
    assert restored.since == clock.now()
    assert "2026-03-01" in restored.reason
