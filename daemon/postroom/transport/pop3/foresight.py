"""The next messages are retrieved while those before them are handled.

Invariant: what goes wrong with messages that nobody has asked for yet is never held
against those that were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.errors import Blameless, TemporaryError
from postroom.transport.pop3.collector import Collector

# Of so many messages the headers are held besides those that are handled.
_MOST = 1000


class Overreached(Blameless):
    """The connection ended while messages came that were not asked for yet."""


@dataclass
class Confidence:
    """Whether an account looks ahead: until that goes wrong, and again after a visit
    that ended well. A message that ends connections is then asked for by its turn."""

    is_given: bool = True


@dataclass
class Foresight:
    """Has a collector work ahead in one session; one piece of work at a time."""

    collector: Collector
    confidence: Confidence
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def begin(self, uids: Sequence[int]) -> None:
        """Collect the first of these meanwhile."""
        wanted = uids[:_MOST]
        if wanted and self.confidence.is_given and not self.collector.careful:
            self._task = asyncio.create_task(self.collector.collect(wanted))

    async def end(self) -> None:
        """Wait for what was begun; raises `Overreached` where it lost the connection,
        and `MaildirUnavailable`."""
        task, self._task = self._task, None
        try:
            if task:
                await task
        except Blameless:
            raise
        except TemporaryError as error:
            self.confidence.is_given = False
            raise Overreached(str(error)) from error

    async def give_up(self) -> None:
        """End what was begun, whatever comes of it: the session has failed already."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError, TemporaryError):
                await task
