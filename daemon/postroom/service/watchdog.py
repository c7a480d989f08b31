"""The end of code that keeps the interpreter to itself.

A search that holds the lock of the interpreter, or a coroutine that never waits, stops
every thread, and no exception can be raised in it. A thread of `faulthandler`, which
needs no interpreter, then writes where it hangs and ends the process; the service
manager starts it again. The message was counted before, so that it does not last.
"""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE = 90.0


@asynccontextmanager
async def alive(seconds: float = PATIENCE) -> AsyncIterator[None]:
    """End the process, with exit code 1, should the event loop stand still so long."""
    _arm(seconds)
    beating = asyncio.create_task(_beat(seconds), name="watchdog")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        faulthandler.cancel_dump_traceback_later()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 3)
        _arm(seconds)


def _arm(seconds: float) -> None:
    """Have the process end at that time, instead of the time that was set before."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def end_soon(seconds: float = 15) -> None:
    """End the process in so long, should a thread of a plugin keep it from ending."""
    faulthandler.dump_traceback_later(seconds, exit=True)
