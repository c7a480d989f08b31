"""Work that a stop must not cut in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T], grace: Callable[[], float]) -> T:
    """Do the work; if cancelled meanwhile, give it `grace()` more seconds to end.

    After those it is cancelled itself. The cancellation is passed on either way.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=grace())
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        raise
