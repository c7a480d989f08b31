"""Group commit: who waits together is committed together, and fails alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, Engine, event

from postroom.errors import StoreError, StoreUnavailable
from postroom.store.dialects import reading_engine, writing_engine
from postroom.store.reader import open_reader
from postroom.store.writer import Unit, Writer, open_writer
from tests.store.programs import environment


@dataclass
class Desk:
    """A writer on an empty table of numbers, and a count of its commits."""

    engine: Engine
    writer: Writer
    commits: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Keep the writer busy, so that units handed in meanwhile make one group."""
        begun, go_on = Event(), Event()

        def occupy(connection: Connection) -> None:
            begun.set()
            go_on.wait(10)

        occupied = asyncio.ensure_future(self.writer.write(occupy, durable=False))
        await asyncio.to_thread(begun.wait, 10)
        try:
            yield
        finally:
            go_on.set()
            await occupied

    async def together(self, *units: Unit[object]) -> list[object]:
        """What comes of these, which wait for the writer at the same time."""
        async with self.busy():
            waiting = [
                asyncio.ensure_future(self.writer.write(unit, durable=False))
                for unit in units
            ]
            await asyncio.sleep(0)
            self.commits.clear()
        return list(await asyncio.gather(*waiting, return_exceptions=True))


@contextmanager
def desk(path: Path) -> Iterator[Desk]:
    """A desk on a new database."""
    engine = writing_engine(path)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE kind (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE number (value INTEGER UNIQUE, kind REFERENCES kind (id))"
        )
        connection.commit()
    with open_writer(engine) as writer:
        opened = Desk(engine, writer)
        event.listen(engine, "commit", lambda _: opened.commits.append(1))
        yield opened
    engine.dispose()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the database is to be."""
    return tmp_path / "numbers.db"


def insert(value: int) -> Callable[[Connection], int]:
    """A unit that inserts the number and returns it."""

    def unit(connection: Connection) -> int:
        connection.exec_driver_sql("INSERT INTO number VALUES (?, NULL)", (value,))
        return value

    return unit


def insert_orphan(value: int) -> Callable[[Connection], None]:
    """A unit that succeeds, and whose transaction can't be committed."""

    def unit(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.exec_driver_sql("INSERT INTO number VALUES (?, 99)", (value,))

    return unit


def numbers(engine: Engine) -> list[int]:
    """All numbers, ascending."""
    with engine.connect() as connection:
        query = "SELECT value FROM number ORDER BY value"
        return list(connection.exec_driver_sql(query).scalars())


def run(database: Path, steps: Callable[[Desk], Awaitable[None]]) -> list[int]:
    """Take the steps; the numbers that are there after the writer was closed."""

    async def main() -> None:
        with desk(database) as opened:
            await steps(opened)

    asyncio.run(main())
    return numbers(writing_engine(database))


def test_fifty_who_wait_are_committed_in_two_transactions(database: Path) -> None:
    async def steps(opened: Desk) -> None:
        outcomes = await opened.together(*[insert(value) for value in range(50)])
        assert outcomes == list(range(50))
        assert len(opened.commits) == 2  # what kept the writer busy, and all of these

    assert run(database, steps) == list(range(50))


def test_a_unit_that_fails_undoes_itself_alone(database: Path) -> None:
    def fails(connection: Connection) -> None:
        insert(3)(connection)
        raise LookupError("no such thing")

    async def steps(opened: Desk) -> None:
        first, second, third, last = await opened.together(
            insert(1), fails, insert(1), insert(2)
        )
        assert (first, last) == (1, 2)
        assert isinstance(second, LookupError)
        assert isinstance(third, StoreError)
        assert "UNIQUE" in str(third)
        assert len(opened.commits) == 2

    assert run(database, steps) == [1, 2]


def test_a_unit_that_is_alone_and_fails_leaves_nothing(database: Path) -> None:
    def break_off(connection: Connection) -> None:
        insert(1)(connection)
        raise ValueError("no")

    async def steps(opened: Desk) -> None:
        with pytest.raises(ValueError, match="no"):
            await opened.writer.write(break_off, durable=False)
        await opened.writer.write(insert(2), durable=False)

    assert run(database, steps) == [2]


def test_after_a_failed_commit_each_unit_is_done_alone(database: Path) -> None:
    async def steps(opened: Desk) -> None:
        first, orphan, last = await opened.together(
            insert(1), insert_orphan(7), insert(2)
        )
        assert (first, last) == (1, 2)
        assert isinstance(orphan, StoreError)
        assert "FOREIGN KEY" in str(orphan)

    assert run(database, steps) == [1, 2]


def test_a_full_disk_is_temporary_and_harms_no_other_unit(database: Path) -> None:
    def fills(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=5")
        insert(7)(connection)
        connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")

    async def steps(opened: Desk) -> None:
        first, full, last = await opened.together(insert(1), fills, insert(2))
        assert (first, last) == (1, 2)
        assert isinstance(full, StoreUnavailable)
        assert "full" in str(full)

    assert run(database, steps) == [1, 2]


@pytest.mark.parametrize(
    ("wishes", "level"), [([False], 1), ([True], 2), ([False, True, False], 2)]
)
def test_a_group_is_synced_if_one_of_it_is_to_be_durable(
    database: Path, wishes: list[bool], level: int
) -> None:
    def synchronous(connection: Connection) -> object:
        return connection.exec_driver_sql("PRAGMA synchronous").scalar()

    async def steps(opened: Desk) -> None:
        await opened.writer.write(insert(1), durable=not wishes[0])
        async with opened.busy():
            waiting = [
                asyncio.ensure_future(opened.writer.write(synchronous, durable=wish))
                for wish in wishes
            ]
            await asyncio.sleep(0)
        assert set(await asyncio.gather(*waiting)) == {level}

    run(database, steps)


def test_a_unit_is_done_though_its_waiter_was_cancelled(database: Path) -> None:
    async def steps(opened: Desk) -> None:
        async with opened.busy():
            waiter = asyncio.ensure_future(opened.writer.write(insert(1), durable=True))
            await asyncio.sleep(0)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        assert await opened.writer.write(insert(2), durable=True) == 2

    assert run(database, steps) == [1, 2]


def test_closing_does_what_was_asked_for_and_refuses_more(database: Path) -> None:
    async def main() -> None:
        with desk(database) as opened:
            waiting = [
                asyncio.ensure_future(opened.writer.write(insert(value), durable=False))
                for value in range(20)
            ]
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == list(range(20))
        with pytest.raises(StoreError, match="closed"):
            await opened.writer.write(insert(99), durable=False)

    asyncio.run(main())
    assert numbers(writing_engine(database)) == list(range(20))


def test_reading_and_writing_do_not_wait_for_each_other(database: Path) -> None:
    def count(connection: Connection) -> object:
        return connection.exec_driver_sql("SELECT count(*) FROM number").scalar()

    async def steps(opened: Desk) -> None:
        await opened.writer.write(insert(1), durable=False)
        reading, go_on = Event(), Event()

        def slow_read(connection: Connection) -> tuple[object, object]:
            before = count(connection)
            reading.set()
            go_on.wait(10)
            return before, count(connection)

        engine = reading_engine(database)
        with open_reader(engine) as reader:
            slow = asyncio.ensure_future(reader.read(slow_read))
            await asyncio.to_thread(reading.wait, 10)
            await opened.writer.write(insert(2), durable=True)
            assert await reader.read(count) == 2
            go_on.set()
            assert await slow == (1, 1), "a read sees one snapshot"
            async with opened.busy():
                assert await reader.read(count) == 2
        engine.dispose()

    assert run(database, steps) == [1, 2]


def test_a_lock_held_by_a_stranger_is_temporary(database: Path) -> None:
    async def steps(opened: Desk) -> None:
        def impatient(connection: Connection) -> None:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")

        await opened.writer.write(impatient, durable=False)
        stranger = writing_engine(database)
        with stranger.connect() as connection, connection.begin():
            for value in (1, 2):
                with pytest.raises(StoreUnavailable, match="locked"):
                    await opened.writer.write(insert(value), durable=False)
        assert await opened.writer.write(insert(3), durable=False) == 3
        stranger.dispose()

    assert run(database, steps) == [3]


def test_after_an_io_error_nothing_is_written_any_more(database: Path) -> None:
    program = [sys.executable, "-m", "tests.store.failing_disk", str(database)]
    ended = subprocess.run(
        program, env=environment(), capture_output=True, text=True, timeout=60
    )
    told = ["StoreError", "StoreError", "True"]
    assert ended.stdout.splitlines() == told, ended.stderr
    assert numbers(writing_engine(database)) == [1]
