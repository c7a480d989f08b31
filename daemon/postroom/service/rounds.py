"""A maildrop is visited at each ring of its bell: connect, look, leave.

One visit at a time, and none longer than it has work to do: a maildrop is locked while
somebody is in it (RFC 1939, section 4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from postroom.ports import Clock, Session
from postroom.service.events import WatchState
from postroom.service.line import Line
from postroom.service.logins import Logins
from postroom.service.waiting import rung_within
from postroom.service.watch import Watch


@dataclass
class Rounds:
    """Looks after an account that is visited; `least` seconds lie between one visit and
    the next, or what the server wants, unless the owner is in a hurry."""

    watch: Watch
    line: Line
    clock: Clock
    least: float = 60
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _wanted: float = 0

    @property
    def watches(self) -> Sequence[Watch]:
        """The one mailbox of the account."""
        return (self.watch,)

    @property
    def logins(self) -> Logins:
        """When the account may log in."""
        return self.line.logins

    def hurry(self) -> None:
        """Have the maildrop visited now."""
        self._hurry.set()
        self.watch.call()

    async def run(self) -> NoReturn:
        """Visit until cancelled; failures of the server are waited out."""
        while True:
            began = self.clock.monotonic()
            self._hurry.clear()
            if await self.line.visit(self._look, self.watch):
                await self.watch.tell(WatchState.POLLING)
                await self.watch.bell.wait()
                await self._keep_away(began, max(self.least, self._wanted))
            else:
                await self._keep_away(began, self._wanted)

    async def _look(self, session: Session) -> None:
        self._wanted = session.login_delay
        await self.watch.look(await session.open(self.watch.mailbox))

    async def _keep_away(self, began: float, seconds: float) -> None:
        """Until so long after a visit that was begun then."""
        left = began + seconds - self.clock.monotonic()
        if left > 0:
            await rung_within(left, self._hurry)
