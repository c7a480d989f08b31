"""Whether the wall clock is believed when something is to expire.

Invariant: for an hour after the wall clock was set by more than five minutes nothing
expires, so that whoever set it wrong can set it right. The uptime tells that it was
set: nobody can set that, and neither sleep, nor summer time, nor a zone changes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from postroom.ports import Clock

MOST = timedelta(minutes=5)
PATIENCE = timedelta(hours=1)


class WallClock:
    """Sees when the wall clock of this machine is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._booted = self.booted()
        self._doubted_until = timedelta.min

    def booted(self) -> datetime:
        """When the machine was booted, by the wall clock of now: it is another time
        once that is set."""
        return self._clock.now() - self._uptime()

    def may_expire(self) -> bool:
        """False for an hour after the wall clock was set by more than five minutes."""
        before, self._booted = self._booted, self.booted()
        if abs(self._booted - before) > MOST:
            self._doubted_until = self._uptime() + PATIENCE
        return self._uptime() >= self._doubted_until

    def _uptime(self) -> timedelta:
        return timedelta(seconds=self._clock.uptime().seconds)


def always() -> bool:
    """The answer of a wall clock that nobody sets."""
    return True
