"""When a delivery is tried again, and when given up (RFC 5321, section 4.5.4.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.service.jumps import always


@dataclass(frozen=True)
class RetrySchedule:
    """The waits between the attempts of one delivery, and how long it may take in all.

    `waits[n]` comes after n attempts, `steady` after more than there are waits, longer
    or shorter by up to the share `jitter` of it; `limited` where the relay's limit for
    a day is reached. A delivery expires when it is older
    than `lifetime` and was tried at least `least_attempts` times: both, so that a clock
    that jumps, or a machine that slept, can't make it expire untried.
    """

    waits: tuple[timedelta, ...] = (
        timedelta(0),
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=20),
        timedelta(minutes=40),
        timedelta(minutes=66),
    )
    steady: timedelta = timedelta(minutes=66)
    limited: timedelta = timedelta(days=1)
    jitter: float = 0.2
    lifetime: timedelta = timedelta(days=5)
    least_attempts: int = 12

    def next_attempt(
        self,
        attempts: int,
        created: datetime,
        now: datetime,
        random: Callable[[], float],
        may_expire: Callable[[], bool] = always,
    ) -> datetime | None:
        """When to try again after `attempts` attempts; None if the delivery expired,
        which none does unless it `may_expire`.

        `random` draws from [0, 1).
        """
        is_old = attempts >= self.least_attempts and now - created > self.lifetime
        if is_old and may_expire():
            return None
        return now + self._wait(attempts, random)

    def _wait(self, attempts: int, random: Callable[[], float]) -> timedelta:
        if attempts < len(self.waits):
            return self.waits[attempts]
        return self.steady * (1 + self.jitter * (2 * random() - 1))
