"""How long a daemon lives and a connection lasts, and the time of the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.errors import TemporaryError
from postroom.ports import Uptime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Ended(BaseException):
    """The daemon came to its end here; nothing of it may hold that up."""


@dataclass
class Life:
    """How many steps the daemon has left; once it has ended, nothing is done by it.

    Every call of the store, and every command of a server, is a step.
    """

    left: int | None = None
    ended: bool = False

    def step(self) -> None:
        """Take one more step, or end."""
        if self.left is not None:
            self.left -= 1
            self.ended = self.ended or self.left < 0
        if self.ended:
            raise Ended


@dataclass
class Line:
    """A connection that lasts for so many words, asked or answered."""

    life: Life
    left: int | None = None

    def say(self) -> None:
        """Ask or answer; raises once the connection is lost."""
        self.life.step()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise TemporaryError("the connection is lost")


@dataclass
class WorldClock:
    """The true time, which servers go by; the daemon's wall clock is `ahead` of it."""

    passed: timedelta = timedelta(0)
    ahead: timedelta = timedelta(0)

    def true(self) -> datetime:
        """The time, in whole seconds, as INTERNALDATE tells it."""
        return (NOON + self.passed).replace(microsecond=0)

    def now(self) -> datetime:
        """The wall clock."""
        return NOON + self.passed + self.ahead

    def monotonic(self) -> float:
        """Seconds since noon."""
        return self.passed.total_seconds()

    def uptime(self) -> Uptime:
        """The same, of one boot that never ends."""
        return Uptime("boot", self.monotonic())
