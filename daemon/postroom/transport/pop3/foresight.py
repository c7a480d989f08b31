"""The next messages are retrieved while those before them are handled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.errors import TemporaryError
from postroom.transport.pop3.collector import Collector

# Of so many messages the headers are held besides those that are handled.
_MOST = 1000


@dataclass
class Foresight:
    """Has a collector work ahead in one session; one piece of work at a time."""

    collector: Collector
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def begin(self, uids: Sequence[int]) -> None:
        """Collect the first of these meanwhile."""
        wanted = uids[:_MOST]
        if wanted and not self.collector.careful:
            self._task = asyncio.create_task(self.collector.collect(wanted))

    async def end(self) -> None:
        """Wait for what was begun; raises what collecting raises."""
        task, self._task = self._task, None
        if task:
            await task

    async def give_up(self) -> None:
        """End what was begun, whatever comes of it: the session has failed already."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError, TemporaryError):
                await task
