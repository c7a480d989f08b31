"""Work that a stop must not cut is finished, within its grace, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from postroom.service.finishing import finish


class Work:
    """Waits to be let go, and remembers how it ended."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.begun = asyncio.Event()
        self.how = ""

    async def do(self) -> str:
        """The work."""
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.how = "cancelled"
            raise
        self.how = "finished"
        return self.how


async def cancelled(work: Work, grace: Callable[[], float]) -> asyncio.Task[str]:
    """A task that finishes the work, and was cancelled in the middle."""
    task = asyncio.create_task(finish(work.do(), grace))
    await work.begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    return task


def test_work_that_is_left_alone_gives_its_result() -> None:
    async def run() -> None:
        work = Work()
        work.may_end.set()
        assert await finish(work.do(), lambda: 0) == "finished"

    asyncio.run(run())


def test_an_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(finish(fail(), lambda: 0))


def test_cancelled_work_is_finished_and_the_cancellation_passed_on() -> None:
    async def run() -> None:
        work = Work()
        task = await cancelled(work, lambda: 30)
        assert not task.done()
        work.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.how == "finished"

    asyncio.run(run())


def test_work_that_takes_longer_than_its_grace_is_cancelled() -> None:
    async def run() -> None:
        work = Work()
        task = await cancelled(work, lambda: 0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.how == "cancelled"

    asyncio.run(run())


def test_an_error_after_the_cancellation_does_not_hide_it() -> None:
    async def run() -> None:
        begun, may_fail = asyncio.Event(), asyncio.Event()

        async def fail() -> None:
            begun.set()
            await may_fail.wait()
            raise ZeroDivisionError

        task = asyncio.create_task(finish(fail(), lambda: 30))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        may_fail.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
