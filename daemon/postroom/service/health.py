"""How a relay is doing, and how long to stay away from it when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.errors import AuthenticationError, TemporaryError
from postroom.log import get_logger
from postroom.ports import Clock, DeliveryState, Receipt
from postroom.service.backoff import Backoff, BackoffTimings

log = get_logger()


@dataclass(frozen=True)
class SenderTimings:
    """In seconds: how long to stay away from a relay or from a store that can't be
    written, and how long to finish."""

    backoff: BackoffTimings = field(default_factory=BackoffTimings)
    # After refused credentials: slow enough not to be locked out.
    refused: tuple[float, ...] = (300, 1800, 7200, 21600)
    # After a limit for a day: providers count the last 24 hours.
    limited: float = 86400
    finish: float = 30
    store_pause: float = 5
    # The wall clock may be set while we rest until a time on it.
    longest_rest: float = 3600
    # What became unknown is looked for at once and so long after that: servers may
    # store what was submitted late. Where they can't be asked it is tried again, so
    # often, till that long after.
    looks: tuple[float, ...] = (15, 60, 180)
    unasked_pause: float = 60
    unasked_longest: float = 3600


@dataclass(frozen=True)
class RelayState:
    """When a relay last answered for a message, what is wrong, and when it is tried."""

    last_success: datetime | None = None
    last_error: str = ""
    retry_at: datetime | None = None


class RelayHealth:
    """Keeps the state of one relay, and finds the wait after each failure."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        random: Callable[[], float],
        timings: SenderTimings,
    ) -> None:
        self.state = RelayState()
        self._name = name
        self._clock = clock
        self._timings = timings
        self._backoff = Backoff(clock.monotonic, random, timings.backoff)
        self._refused_logins = 0
        # Until when it takes no more: by the wall clock, and by the seconds.
        self._limited: tuple[datetime, float] | None = None

    def judge(self, receipts: Iterable[Receipt]) -> float | None:
        """Note how the relay did; how many seconds to stay away from it, if any."""
        for receipt in receipts:
            if receipt.limit:
                return self._reached_limit(receipt)
            if receipt.code == 0 and receipt.state is not DeliveryState.FAILED:
                return self.failed(TemporaryError(receipt.reply))
        self.works()
        return None

    def limited_for(self) -> float | None:
        """For how many seconds more it takes nothing, as its limit for a day is
        reached; None if it is not. It is to be asked again after each rest."""
        if self._limited is None:
            return None
        until, at = self._limited
        # Seconds stand still while the machine sleeps, and the wall clock may be set.
        wall = (until - self._clock.now()).total_seconds()
        left = min(wall, at - self._clock.monotonic())
        if left <= 0:
            self._limited = None
            return None
        return min(left, self._timings.longest_rest)

    def forgive(self) -> None:
        """Have it tried again though its limit was reached."""
        self._limited = None

    def works(self) -> None:
        """Note that the relay answered for a message."""
        self._backoff.works()
        self._refused_logins = 0
        self.state = RelayState(last_success=self._clock.now())

    def failed(self, error: TemporaryError | AuthenticationError) -> float:
        """Note what is wrong; how many seconds to stay away."""
        delay = self._delay(error)
        self._tell(str(error), delay)
        return delay

    def _reached_limit(self, receipt: Receipt) -> float | None:
        delay = self._timings.limited
        until = self._clock.now() + timedelta(seconds=delay)
        self._limited = until, self._clock.monotonic() + delay
        self._refused_logins = 0
        said = f"{receipt.code} {receipt.reply}"
        self._tell(f"its limit for a day is reached: {said}", delay)
        return self.limited_for()

    def _tell(self, error: str, delay: float) -> None:
        retry_at = self._clock.now() + timedelta(seconds=delay)
        self.state = replace(self.state, last_error=error, retry_at=retry_at)
        log.warning(
            "relay_failed", relay=self._name, error=error, retry_in=round(delay, 1)
        )

    def _delay(self, error: TemporaryError | AuthenticationError) -> float:
        if isinstance(error, TemporaryError):
            return self._backoff.failed()
        # An owner has to mend this; each try brings the account nearer to a lock-out.
        waits = self._timings.refused
        delay = waits[min(self._refused_logins, len(waits) - 1)]
        self._refused_logins += 1
        return delay
