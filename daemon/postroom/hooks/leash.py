"""Awaiting what plugins do: each has its time, and none holds up the one who waits.

A coroutine that takes its cancellation for nothing is closed: then it can't go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from postroom.errors import PermanentError, PluginError, TemporaryError
from postroom.rules.boundary import plugin_code

_Failure = TemporaryError | PermanentError | None


class TooSlow(PluginError):
    """A plugin took longer than it has."""


class Leash:
    """Awaits coroutines of plugins; `grace` is their time to end when cancelled."""

    def __init__(self, grace: float = 1) -> None:
        self._grace = grace
        self._ending: set[asyncio.Task[None]] = set()

    async def wait(
        self,
        plugin: str,
        doing: str,
        seconds: float,
        call: Callable[[], Awaitable[Any]],
    ) -> None:
        """Have a plugin do something, in this time.

        `TemporaryError` and `PermanentError` are raised as the plugin raises them, and
        whatever else is wrong as a `PluginError`.
        """
        task = asyncio.create_task(
            _attempt(plugin, doing, call), name=f"plugin {plugin}"
        )
        try:
            await asyncio.wait({task}, timeout=seconds)
            if not task.done():
                await self._end(task)
                raise TooSlow(plugin, f"{doing}: it took longer than {seconds:g} s")
        finally:
            if not task.done():  # who waited was cancelled, and waits no more
                self._end_aside(task)
        _tell(plugin, doing, task)

    async def close(self) -> None:
        """Wait until all has ended whose end nobody else waits for."""
        if self._ending:
            await asyncio.wait(self._ending)

    def _end_aside(self, task: asyncio.Task[_Failure]) -> None:
        ending = asyncio.create_task(self._end(task))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, task: asyncio.Task[_Failure]) -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=self._grace)
        if not task.done():
            # A closed coroutine can't go on, and says so as soon as it is to.
            with suppress(PluginError):
                task.get_coro().close()
            task.cancel()
            await asyncio.wait({task}, timeout=self._grace)
        if task.done() and not task.cancelled():
            task.exception()  # or asyncio complains that nobody has looked at it


async def _attempt(
    plugin: str, doing: str, call: Callable[[], Awaitable[Any]]
) -> _Failure:
    with plugin_code(plugin, doing):
        try:
            await call()
        except (TemporaryError, PermanentError) as error:
            return error
    return None


def _tell(plugin: str, doing: str, task: asyncio.Task[_Failure]) -> None:
    """Raise what has come of a task that has ended, if it is nothing good."""
    if task.cancelled():
        raise PluginError(plugin, f"{doing}: it cancelled itself")
    failure = task.result()
    if failure:
        raise failure
