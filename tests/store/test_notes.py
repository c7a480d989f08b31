"""What plugins remember, notices for the owner, and where words came from."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from postroom.store.notes import CLOCK_WAS_SET
from postroom.store.report import Notice
from postroom.store.store import SqlStore
from tests.store.samples import NOON, StillClock, with_store

HOUR = NOON + timedelta(hours=1)


def count(path: Path) -> int:
    """How many memories the database holds."""
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM memory").fetchone()
    assert isinstance(number, int)
    return number


def test_what_a_plugin_remembers_is_told_to_it_alone_and_replaced(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.remember("budget", "ann", "1", HOUR)
        await store.remember("greylist", "ann", "9", HOUR)
        await store.remember("budget", "ann", "2", HOUR)
        assert await store.recall("budget", "ann") == "2"
        assert await store.recall("greylist", "ann") == "9"
        assert await store.recall("budget", "bob") is None

    with_store(path, steps)
    assert with_store(path, lambda store: store.recall("budget", "ann")) == "2"


def test_what_is_remembered_ends_at_its_time(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.remember("budget", "ann", "1", HOUR)
        clock.forward(minutes=59)
        assert await store.recall("budget", "ann") == "1"
        clock.forward(minutes=1)
        assert await store.recall("budget", "ann") is None

    with_store(path, steps, clock=clock)
    assert count(path) == 1


def test_what_has_ended_is_removed_when_something_is_remembered(path: Path) -> None:
    clock = StillClock()

    async def fill(store: SqlStore) -> None:
        for number in range(150):
            await store.remember("budget", f"{number}", "", HOUR)

    async def remember(store: SqlStore) -> None:
        await store.remember("budget", "new", "", HOUR + timedelta(days=1))

    with_store(path, fill)
    clock.forward(hours=1)
    with_store(path, remember, clock=clock)
    assert count(path) == 51, "so many at a time that it never takes long"
    with_store(path, remember, clock=clock)
    assert count(path) == 1


def test_a_notice_is_shown_until_it_is_taken_away(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.notice("reload", "the rules are wrong")
        clock.forward(minutes=1)
        await store.notice("reload", "the settings are wrong")
        await store.notice("disk", "it is nearly full")
        expected = (
            Notice("disk", "it is nearly full", clock.now()),
            Notice("reload", "the settings are wrong", clock.now()),
        )
        assert (await store.summary()).notices == expected
        await store.notice("reload", "")
        assert (await store.summary()).notices == expected[:1]

    with_store(path, steps, clock=clock)


def test_words_stay_known_with_the_plugin_they_came_with_last(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_vocabulary({"condition from": "basics", "action pipe": "a"})
        await store.note_vocabulary({"action pipe": "b"})
        expected = {"condition from": "basics", "action pipe": "b"}
        assert await store.vocabulary() == expected

    with_store(path, steps)


def test_nothing_remembered_ends_while_the_wall_clock_is_doubted(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.remember("budget", "ann", "1", HOUR)
        clock.forward(days=365)
        await store.notice(CLOCK_WAS_SET, "the wall clock was set")
        await store.remember("budget", "bob", "2", HOUR)
        assert await store.recall("budget", "ann") == "1"
        await store.notice(CLOCK_WAS_SET, "")
        assert await store.recall("budget", "ann") is None

    with_store(path, steps, clock=clock)
    assert count(path) == 2
