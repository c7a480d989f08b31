"""What plugins want open around the service.

Invariant: a context is entered and left in a task of its own, as the timeouts and the
groups of tasks in it want, and holds up nobody who waits for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from postroom.errors import PostroomError
from postroom.hooks.leash import Leash, TooSlow
from postroom.hooks.patience import Patience
from postroom.log import get_logger

log = get_logger()

_DOING = "lifespan"


@asynccontextmanager
async def spanning(
    plugin: str,
    context: AbstractAsyncContextManager[None],
    leash: Leash,
    patience: Patience,
) -> AsyncIterator[None]:
    """Have a plugin's context open during the block, however the block ends.

    Raises a `PostroomError` where entering fails or takes too long; what goes wrong
    after that is logged.
    """
    entered, leaving = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with context:
            entered.set()
            await leaving.wait()

    task = asyncio.create_task(leash.wait(plugin, _DOING, math.inf, live))
    task.add_done_callback(lambda _: entered.set())
    try:
        await _enter(plugin, task, entered, patience.entering)
    except BaseException:
        task.cancel()
        await asyncio.wait({task})  # from then on the leash knows of it
        raise
    try:
        yield
    finally:
        leaving.set()
        await _leave(plugin, task, patience.leaving)


async def _enter(
    plugin: str, task: asyncio.Task[None], entered: asyncio.Event, seconds: float
) -> None:
    try:
        async with asyncio.timeout(seconds):
            await entered.wait()
    except TimeoutError as error:
        raise _too_slow(plugin, seconds) from error
    if task.done():
        task.result()


async def _leave(plugin: str, task: asyncio.Task[None], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await task
    except TimeoutError:
        log.error("plugin_failed", error=str(_too_slow(plugin, seconds)))
    except PostroomError as failure:
        log.error("plugin_failed", error=str(failure))


def _too_slow(plugin: str, seconds: float) -> TooSlow:
    return TooSlow(plugin, f"{_DOING}: it took longer than {seconds:g} s")
