"""Where the time comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Uptime:
    """For how many seconds this machine has run since it was booted, asleep or not;
    `boot` names the boot. Nobody can set it, as anybody can set the wall clock."""

    boot: str
    seconds: float


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""

    def uptime(self) -> Uptime:
        """How long this machine has run."""
