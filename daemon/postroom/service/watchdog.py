"""The end of code that keeps the interpreter to itself.

A search that holds the lock of the interpreter, or a coroutine that never waits, stops
every thread, and no exception can be raised in it. A thread of `faulthandler`, which
needs no interpreter, then writes where it hangs and ends the process; the service
manager starts it again. The message was counted before, so that it does not last.

systemd that watches (WatchdogSec=) ends the process itself, by SIGABRT, on which it
writes where every thread hangs: sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from postroom.service import systemd

PATIENCE = 90.0


def watched_for(environment: Mapping[str, str] = os.environ) -> float | None:
    """How many seconds systemd waits for a sign of this process; None if it does not
    watch."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() else None


@asynccontextmanager
async def alive(seconds: float | None = None) -> AsyncIterator[None]:
    """End the process, with exit code 1, should the event loop stand still so long: for
    `PATIENCE`, or twice as long as systemd would wait before it does that."""
    watched = watched_for()
    seconds = seconds or max(PATIENCE, 2 * (watched or 0))
    if not faulthandler.is_enabled():
        faulthandler.enable()
    _arm(seconds)
    beating = asyncio.create_task(_beat(seconds, watched), name="watchdog")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        faulthandler.cancel_dump_traceback_later()


async def _beat(seconds: float, watched: float | None) -> None:
    pause = min(seconds / 3, (watched or seconds) / 4)
    while True:
        if watched:
            systemd.notify("WATCHDOG=1")
        await asyncio.sleep(pause)
        _arm(seconds)


def _arm(seconds: float) -> None:
    """Have the process end at that time, instead of the time that was set before."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def end_soon(seconds: float = 15) -> None:
    """End the process in so long, should a thread of a plugin keep it from ending."""
    faulthandler.dump_traceback_later(seconds, exit=True)
