"""Waiting for the first of a push and a bell, or for a bell or a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_of(push: Coroutine[Any, Any, None], *bells: asyncio.Event) -> bool:
    """Wait for the first of all; True if it was the push. Its error is raised.

    Whatever ends the wait, the push has ended when this returns.
    """
    pushed = asyncio.ensure_future(push)
    rings = [asyncio.ensure_future(bell.wait()) for bell in bells]
    try:
        await asyncio.wait({pushed, *rings}, return_when=asyncio.FIRST_COMPLETED)
        was_first = pushed.done()
    finally:
        for task in (*rings, pushed):
            task.cancel()
        # Leaving IDLE takes a round trip. A stop that comes meanwhile waits for it, and
        # is not lost.
        await asyncio.gather(pushed, return_exceptions=True)
    if not pushed.cancelled():
        pushed.result()
    return was_first


async def rung_within(seconds: float, *bells: asyncio.Event) -> bool:
    """Wait for one of the bells; False if none has rung in so many seconds."""
    rings = [asyncio.ensure_future(bell.wait()) for bell in bells]
    try:
        done, _ = await asyncio.wait(
            rings, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for ring in rings:
            ring.cancel()
    return bool(done)
