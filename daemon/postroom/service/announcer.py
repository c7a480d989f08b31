"""Telling plugins how deliveries ended, apart from those who deliver.

A plugin that is slow or fails delays other announcements, never a delivery.
"""

from __future__ import annotations

import asyncio

from postroom.hooks.plugins import Plugins
from postroom.log import get_logger
from postroom.mail.envelope import Outgoing

log = get_logger()

# More would hold too many contents in memory.
_WAITING = 100


class Announcer:
    """Passes each delivery that ended to the plugins, one after the other."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._queue: asyncio.Queue[tuple[Outgoing, str, str]] = asyncio.Queue(_WAITING)

    async def announce(self, outgoing: Outgoing, status: str, detail: str) -> None:
        """Have the plugins told, soon; where they are far behind, it is only logged."""
        try:
            self._queue.put_nowait((outgoing, status, detail))
        except asyncio.QueueFull:
            log.error("plugins_not_told", message_id=outgoing.message_id, status=status)

    async def run(self) -> None:
        """Tell the plugins of what ended, until cancelled."""
        while True:
            ended = await self._queue.get()
            try:
                for failure in await self._plugins.tell_settled(*ended):
                    log.error("plugin_failed", error=str(failure))
            finally:
                self._queue.task_done()

    async def drain(self) -> None:
        """Return when all that was announced has been told."""
        await self._queue.join()
