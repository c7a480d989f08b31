"""Work in a thread that nobody has to wait for, not even the end of the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from postroom.errors import PostroomError, TemporaryError

T = TypeVar("T")


async def done_aside(doing: str, work: Callable[[], T], seconds: float | None) -> T:
    """What the work returns; raises the `PostroomError` that it raises.

    Raises `TemporaryError` if it takes longer than `seconds`, where there are any; its
    thread is then left to itself.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T | PostroomError] = loop.create_future()

    def run() -> None:
        result = _attempt(work)
        with suppress(RuntimeError):  # nobody waits: the loop is closed
            loop.call_soon_threadsafe(_settle, outcome, result)

    threading.Thread(target=run, name=doing, daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            result = await outcome
    except TimeoutError as error:
        raise TemporaryError(f"{doing} took longer than {seconds:g} s") from error
    if isinstance(result, PostroomError):
        raise result
    return result


def _attempt(work: Callable[[], T]) -> T | PostroomError:
    try:
        return work()
    except PostroomError as error:
        return error


def _settle(outcome: asyncio.Future[T], result: T) -> None:
    if not outcome.done():
        outcome.set_result(result)
