"""One thread that writes, and group commit: one sync to disk for all who wait.

Invariants: units of work are done in the order they came. A unit is done whole or not
at all, and its waiter hears of it only after the commit. A unit that fails undoes
itself alone. A unit whose waiter has gone is done all the same. After an error that
leaves the state of the disk unknown nothing is written any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import PostroomError, StoreError
from postroom.store.dialects import (
    abandon,
    in_transaction,
    is_fatal,
    is_locked,
    set_durability,
    tell_cause,
    translate,
)

T = TypeVar("T")

# A unit may be called again after its transaction failed: it touches nothing but the
# connection.
Unit = Callable[[Connection], T]


@dataclass(frozen=True)
class _Job:
    unit: Unit[Any]
    durable: bool
    future: Future[Any]


@dataclass(frozen=True)
class _Outcome:
    result: Any = None
    error: Exception | None = None

    def tell(self, future: Future[Any]) -> None:
        if self.error is None:
            future.set_result(self.result)
        else:
            future.set_exception(self.error)


class Writer:
    """Does units of work in its thread, all that wait in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._broken: StoreError | None = None
        self._told_broken: Future[None] = Future()
        self._told_broken.set_running_or_notify_cancel()
        self._closed = False
        self._thread = Thread(target=self._run, name="postroom-store-writer")

    async def write(self, unit: Unit[T], *, durable: bool) -> T:
        """What the unit returns, once it is committed (and synced, if `durable`).

        Raises what the unit raised, `StoreUnavailable` if the store was busy or its
        disk full, else `StoreError`; then nothing of the unit was done.
        """
        if self._closed:
            raise StoreError("the store is closed")
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on it can't be cancelled
        self._jobs.put(_Job(unit, durable, future))
        return await asyncio.wrap_future(future)

    async def broken(self) -> NoReturn:
        """Wait until nothing can be written any more, if ever; then raise why."""
        await asyncio.wrap_future(self._told_broken)
        raise AssertionError("a store is told to be broken by an error")

    def start(self) -> None:
        """Begin to do what is asked for."""
        self._thread.start()

    def close(self) -> None:
        """Do all that was asked for, then end."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        for jobs in self._groups():
            try:
                self._serve(jobs)
            except Exception as error:  # noqa: BLE001 - else they would wait for ever
                self._break(jobs, error)

    def _groups(self) -> Iterator[Sequence[_Job]]:
        running = True
        while running:
            group = [self._jobs.get()]
            while not self._jobs.empty():
                group.append(self._jobs.get())
            running = None not in group
            jobs = [job for job in group if job is not None]
            if jobs:
                yield jobs

    def _serve(self, jobs: Sequence[_Job]) -> None:
        if self._broken:
            _fail(jobs, self._broken)
            return
        try:
            outcomes = self._together(jobs)
        except SQLAlchemyError as error:
            self._after_failure(jobs, error)
            return
        for job, outcome in zip(jobs, outcomes, strict=True):
            outcome.tell(job.future)

    def _together(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        set_durability(self._connection, any(job.durable for job in jobs))
        if len(jobs) == 1:
            return [self._alone(jobs[0].unit)]
        with self._connection.begin():
            return [self._attempt(job.unit) for job in jobs]

    def _alone(self, unit: Unit[Any]) -> _Outcome:
        """Without a savepoint: the transaction is the unit's own."""
        try:
            with self._connection.begin():
                return _Outcome(unit(self._connection))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            return _Outcome(error=error)

    def _attempt(self, unit: Unit[Any]) -> _Outcome:
        try:
            with self._connection.begin_nested():
                return _Outcome(unit(self._connection))
        except SQLAlchemyError as error:
            if is_fatal(error) or not in_transaction(self._connection):
                raise
            return _Outcome(error=translate(error))
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            return _Outcome(error=error)

    def _after_failure(self, jobs: Sequence[_Job], error: SQLAlchemyError) -> None:
        if is_fatal(error):
            self._break(jobs, error)
            return
        abandon(self._connection)
        if is_locked(error) or len(jobs) == 1:
            _fail(jobs, translate(error))
        else:
            for job in jobs:
                self._serve([job])

    def _break(self, jobs: Sequence[_Job], error: Exception) -> None:
        self._broken = StoreError(
            f"the store can't be trusted any more: {tell_cause(error)}; what it holds "
            "is read anew after a restart"
        )
        _fail(jobs, self._broken)
        if not self._told_broken.done():
            self._told_broken.set_exception(self._broken)


def _fail(jobs: Sequence[_Job], error: PostroomError) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)


@contextmanager
def open_writer(engine: Engine) -> Iterator[Writer]:
    """A writer that works while the block runs; at its end all is done first."""
    with engine.connect() as connection:
        writer = Writer(connection)
        writer.start()
        try:
            yield writer
        finally:
            writer.close()
