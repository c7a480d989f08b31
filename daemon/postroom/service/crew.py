"""Tasks by name, all owned by one group; each of them can be ended alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Crew:
    """Runs tasks until they are ended, or until one of them fails: then all end."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Begin a task under this name, which none has now."""
        self._tasks[name] = self._group.create_task(work, name=name)

    async def end(self, name: str) -> None:
        """Cancel the task of this name, if there is one, and wait for its end."""
        task = self._tasks.pop(name, None)
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
