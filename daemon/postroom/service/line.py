"""A connection of an account that is made again whenever it is lost.

One owner, one session at a time: the next is not begun before the last has ended, so a
reconnect leaves no old listener behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from postroom.errors import (
    AuthenticationError,
    LocalTrouble,
    PermanentError,
    StoreError,
    TemporaryError,
)
from postroom.log import get_logger
from postroom.ports import Account, Session
from postroom.service.backoff import Backoff
from postroom.service.events import WatchState
from postroom.service.logins import Logins, LoginsClosed

log = get_logger()

# A mailbox or server that can't be used is tried again after these seconds.
UNUSABLE = (60.0, 300.0, 900.0, 3600.0)

Use = Callable[[Session], Awaitable[None]]


class Told(Protocol):
    """Whoever is told how the connection is doing."""

    async def tell(
        self, state: WatchState, detail: str = "", delay: float | None = None
    ) -> None:
        """What it is at."""

    async def fail(
        self, state: WatchState, error: Exception, delay: float | None
    ) -> None:
        """What went wrong, and in how many seconds it is tried again."""


@dataclass
class Waits:
    """Ever longer waits, in seconds, for what can't be used until somebody mends it."""

    seconds: tuple[float, ...] = UNUSABLE
    _failures: int = 0

    def next(self) -> float:
        """The wait after one more failure."""
        wait = self.seconds[min(self._failures, len(self.seconds) - 1)]
        self._failures += 1
        return wait

    def clear(self) -> None:
        """It works."""
        self._failures = 0


@dataclass
class Line:
    """Keeps a session open for one use of it."""

    account: Account
    logins: Logins
    backoff: Backoff
    unusable: Waits = field(default_factory=Waits)

    def works(self) -> None:
        """Note that what the connection is for was done, proved by answers."""
        self.backoff.works()
        self.unusable.clear()

    async def keep(self, use: Use, told: Told) -> NoReturn:
        """Connect and use the session until it fails, then stay away, then again."""
        while True:
            await self.visit(use, told)

    async def visit(self, use: Use, told: Told) -> bool:
        """Connect, use the session until that ends, and leave; True if it ended well.
        After a failure, stay away for as long as is due."""
        forgiven = self.logins.forgiven
        await told.tell(WatchState.CONNECTING)
        try:
            await self._use(use)
        except StoreError:
            raise  # without a memory nothing may go on
        except LoginsClosed as closed:
            delay = closed.delay
            log.info("logins_closed", account=self.account.name, reason=str(closed))
            await told.tell(closed.state, str(closed), delay)
        except (TemporaryError, PermanentError) as error:
            delay = await self._tell_failure(error, told)
        else:
            return True
        await self.logins.rest(delay, forgiven)
        return False

    async def _tell_failure(
        self, error: TemporaryError | PermanentError, told: Told
    ) -> float | None:
        """The seconds to stay away; None: until the secret changes."""
        state = WatchState.RETRYING
        delay: float | None
        if isinstance(error, AuthenticationError):
            state, delay = WatchState.REFUSED, self.logins.refused_for()
        elif isinstance(error, TemporaryError):
            delay = self.backoff.failed()
        else:
            delay = self.unusable.next()
        await told.fail(state, error, delay)
        return delay

    async def _use(self, use: Use) -> None:
        self.backoff.begins()
        async with AsyncExitStack() as stack:
            entry = await self.logins.enter(self.account, stack)
            try:
                await use(entry.session)
            except LocalTrouble:
                self.logins.lasted(entry)  # the server has no part in it
                raise
            finally:
                if self.backoff.is_stable:
                    self.logins.lasted(entry)
        # It ended because all was done, the leaving included.
        self.logins.lasted(entry)
        self.backoff.ended_well()
        self.unusable.clear()
