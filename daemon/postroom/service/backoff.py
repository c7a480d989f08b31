"""How long to stay away from a server that fails: ever longer, and never in step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BackoffTimings:
    """In seconds: the first ceiling, the last one, and how long it must have worked to
    count as stable; each ceiling is `factor` times the one before."""

    base: float = 2
    factor: float = 2
    cap: float = 600
    stable: float = 60


_TIMINGS = BackoffTimings()


class Backoff:
    """Exponential backoff with full jitter: each delay is drawn from zero to a ceiling
    that grows with every failure, and falls back only after a stable time.

    `monotonic` tells the seconds, `random` draws from [0, 1).
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        timings: BackoffTimings = _TIMINGS,
    ) -> None:
        self._monotonic = monotonic
        self._random = random
        self._timings = timings
        self._ceiling = timings.base
        self._works_since: float | None = None

    def begins(self) -> None:
        """Note that it begins anew: nothing of it has worked yet."""
        self._works_since = None

    def works(self) -> None:
        """Note that it works now, proved by an answer."""
        if self._works_since is None:
            self._works_since = self._monotonic()

    def ended_well(self) -> None:
        """Note that all that was wanted was done: nothing fails any more."""
        self._ceiling = self._timings.base

    @property
    def is_stable(self) -> bool:
        """True if it has worked for a stable time."""
        since = self._works_since
        return since is not None and self._monotonic() - since >= self._timings.stable

    def failed(self) -> float:
        """Note a failure; how many seconds to wait before the next try."""
        if self.is_stable:
            self._ceiling = self._timings.base
        self._works_since = None
        delay = self._random() * self._ceiling
        grown = self._ceiling * self._timings.factor
        self._ceiling = min(grown, self._timings.cap)
        return delay
