"""How long postroom waits for a plugin: never for ever, and never on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from postroom.errors import PluginError


@dataclass(frozen=True)
class Patience:
    """The seconds that a plugin has: to begin, to end, and to be told something."""

    entering: float = 30
    leaving: float = 10
    telling: float = 10


class Aside:
    """Calls plain functions of plugins in threads, one at a time for each plugin.

    Whoever waits may give up; the thread is then left to itself. It ends with the
    program, and until it does its plugin is not called again.
    """

    def __init__(self) -> None:
        self._running: set[str] = set()

    async def call(self, plugin: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the plugin returns
        """What it returns; raises what it raises, if that is a `PluginError`."""
        if plugin in self._running:
            raise PluginError(plugin, "it has not come back from the call before")
        self._running.add(plugin)
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()

        def run() -> None:
            try:
                result = _attempt(call)
            finally:
                self._running.discard(plugin)
            with suppress(RuntimeError):  # nobody waits: the loop is closed
                loop.call_soon_threadsafe(_settle, outcome, result)

        threading.Thread(target=run, name=f"plugin {plugin}", daemon=True).start()
        result = await outcome
        if isinstance(result, PluginError):
            raise result
        return result


def _attempt(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the plugin returns
    try:
        return call()
    except PluginError as error:
        return error


def _settle(outcome: asyncio.Future[Any], result: object) -> None:
    if not outcome.done():
        outcome.set_result(result)
