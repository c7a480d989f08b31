"""When an account may log in: one login at a time, few an hour, none into a lock-out.

What is refused or given up is told to all of the account's connections, so that three
of them try a wrong password no oftener than one would.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import inf

from postroom.errors import AuthenticationError, TooManyConnections, Unreached
from postroom.ports import Account, Session
from postroom.service.events import WatchState
from postroom.service.waiting import rung_within


@dataclass(frozen=True)
class LoginTimings:
    """In seconds, unless it says otherwise: how logins are spread.

    `refused` is how long to stay away after refused credentials; after as many refusals
    as `most_refusals` only a changed secret brings another try, which is looked for at
    the interval `look`. `most` logins within `span` are made that bring no connection
    that lasts. For so long as `crowded` an account makes do with fewer connections.
    """

    # Few enough a day never to lock an account out.
    refused: Sequence[float] = (300, 1800, 7200, 21600)
    most_refusals: int = 10
    most: int = 12
    span: float = 3600
    look: float = 15
    crowded: float = 3600


MOST_CONNECTIONS = 3

_TIMINGS = LoginTimings()


class LoginsClosed(Exception):
    """No login may be made now; `delay` in seconds, None until the secret changes."""

    def __init__(self, state: WatchState, reason: str, delay: float | None) -> None:
        super().__init__(reason)
        self.state = state
        self.delay = delay


@dataclass(frozen=True)
class Entry:
    """A session that was let in, and when."""

    session: Session
    made: float


class Logins:
    """The logins of one account.

    `host` admits the accounts of one server, a few at a time. `mark` tells the secret's
    state without reading it: another mark is another secret.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        host: asyncio.Semaphore,
        mark: Callable[[], object],
        timings: LoginTimings = _TIMINGS,
    ) -> None:
        self.allowed = MOST_CONNECTIONS
        self._reallotment = asyncio.Event()
        self._monotonic = monotonic
        self._host = host
        self._mark = mark
        self._timings = timings
        self._one_at_a_time = asyncio.Lock()
        self._made: deque[float] = deque()
        self._refusals = 0
        self._refusal = ""
        self._closed_until: float | None = 0
        self._refused_mark: object = None
        self._forgiven = asyncio.Event()

    async def enter(self, account: Account, stack: AsyncExitStack) -> Entry:
        """Log in as soon as it is our turn; `stack` logs out.

        Raises `LoginsClosed` and what `Account.connect` raises.
        """
        async with self._one_at_a_time, self._host:
            self._require_open()
            # Before the try, so that a secret that changes meanwhile is seen.
            mark = self._mark()
            made = self._monotonic()
            self._made.append(made)
            try:
                session = await stack.enter_async_context(account.connect())
            except Unreached:
                if made in self._made:  # and not forgiven meanwhile
                    self._made.remove(made)
                raise
            except AuthenticationError as error:
                self._refuse(error, mark)
                raise
            except TooManyConnections:
                self._make_do_with_fewer()
                raise
            self._refusals = 0
            return Entry(session, made)

    def lasted(self, entry: Entry) -> None:
        """Note that the connection was stable: its login counts no more."""
        if entry.made in self._made:
            self._made.remove(entry.made)

    def refused_for(self) -> float | None:
        """Seconds until the refused credentials may be tried again; None: never."""
        until = self._closed_until
        return None if until is None else max(0.0, until - self._monotonic())

    @property
    def forgiven(self) -> asyncio.Event:
        """Set once the owner wants what failed until now tried again."""
        return self._forgiven

    async def rest(
        self, delay: float | None, forgiven: asyncio.Event | None = None
    ) -> None:
        """Wait so long, or for ever; no longer than until refused credentials have been
        changed, or taken from another connection of the account, or are `forgiven`,
        since this was asked for or since now."""
        was_refused = delay is None or self._refusals > 0
        left, forgiven = inf if delay is None else delay, forgiven or self._forgiven
        while left > 0:
            pause = min(left, self._timings.look)
            if await rung_within(pause, forgiven):
                return
            left -= pause
            if was_refused and self._may_be_tried():
                return

    def forgive(self) -> None:
        """Have a login tried now, as the owner wants it."""
        self._refusals = 0
        self._made.clear()
        self.hasten()

    def hasten(self) -> None:
        """Have what waits tried now, as what it failed for is mended here; credentials
        that were refused are no others for that."""
        waited_for, self._forgiven = self._forgiven, asyncio.Event()
        waited_for.set()

    async def reallotted(self, known: int) -> None:
        """Wait until another number of connections than this is allowed."""
        limit = None if known == MOST_CONNECTIONS else self._timings.crowded
        try:
            async with asyncio.timeout(limit):
                while self.allowed == known:
                    self._reallotment.clear()
                    await self._reallotment.wait()
        except TimeoutError:
            self.allowed = MOST_CONNECTIONS

    # -- insides -----------------------------------------------------------------------

    def _require_open(self) -> None:
        if self._refusals:
            delay = self.refused_for()
            if delay is None or delay > 0:
                raise LoginsClosed(WatchState.REFUSED, self._refusal, delay)
        now = self._monotonic()
        while self._made and self._made[0] <= now - self._timings.span:
            self._made.popleft()
        if len(self._made) >= self._timings.most:
            delay = self._made[0] + self._timings.span - now
            reason = "its connections do not last, and there were too many logins"
            raise LoginsClosed(WatchState.RETRYING, reason, delay)

    def _refuse(self, error: AuthenticationError, mark: object) -> None:
        waits = self._timings.refused
        wait = waits[min(self._refusals, len(waits) - 1)]
        self._refusals += 1
        self._refusal = str(error)
        self._refused_mark = mark
        is_last = self._refusals >= self._timings.most_refusals
        self._closed_until = None if is_last else self._monotonic() + wait

    def _may_be_tried(self) -> bool:
        if self._refusals and self._mark() != self._refused_mark:
            self._refusals = 0
        return not self._refusals

    def _make_do_with_fewer(self) -> None:
        if self.allowed > 1:
            self.allowed -= 1
            self._reallotment.set()
