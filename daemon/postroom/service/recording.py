"""Writing into the store what must not be forgotten, however long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from postroom.errors import TemporaryError
from postroom.log import get_logger

log = get_logger()

T = TypeVar("T")


async def recorded(write: Callable[[], Awaitable[T]], pause: float) -> T:
    """Write until the store takes it, with a pause of so many seconds between."""
    while True:
        try:
            return await write()
        except TemporaryError as error:  # its disk is full, say
            log.warning("store_unavailable", error=str(error))
            await asyncio.sleep(pause)
