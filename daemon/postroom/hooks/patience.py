"""How long postroom waits for a plugin: never for ever, and never on the event loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from postroom.errors import PluginError
from postroom.hooks.aside import done_aside


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
        """What it returns; raises what it raises, if that is a `PostroomError`."""
        if plugin in self._running:
            raise PluginError(plugin, "it has not come back from the call before")
        self._running.add(plugin)
        work = partial(self._run, plugin, call)
        return await done_aside(f"plugin {plugin}", work, None)

    def _run(self, plugin: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the plugin returns
        try:
            return call()
        finally:
            self._running.discard(plugin)
