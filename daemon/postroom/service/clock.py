"""The clock of the running system."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from postroom.ports.clock import Uptime

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """The wall clock and the monotonic clock of this machine."""

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""
        return time.monotonic()

    def uptime(self) -> Uptime:
        """How long this machine has run."""
        return Uptime(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME))


@cache
def _boot() -> str:
    """The name of this boot; where none can be read, this process is one."""
    with suppress(OSError):
        return _BOOT_ID.read_text("ascii").strip()
    return str(uuid.uuid4())
