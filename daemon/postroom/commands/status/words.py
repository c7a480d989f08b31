"""The words in which `status` tells of times, troubles and counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postroom.ports import Hold
from postroom.store.report import Undelivered


def tell_undelivered(delivery: Undelivered, now: datetime) -> str:
    """A delivery that did not go well."""
    again = tell_retry(delivery.next_attempt, now)
    return f"{delivery.state}: to {delivery.recipient}: {delivery.reply}{again}"


def tell_hold(hold: Hold, now: datetime) -> str:
    """Since when something is held, and why."""
    return f"for {span(now, hold.since)}: {hold.reason}"


def tell_counts(counts: Mapping[Any, int]) -> str:
    """`3 queued, 1 failed`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def tell_retry(at: datetime | None, now: datetime) -> str:
    """When something is tried again, to be put behind what went wrong."""
    return f"; again in {span(at, now)}" if at else ""


def span(later: datetime, earlier: datetime) -> str:
    """How long it is between two times, in words; the earlier may be the later."""
    seconds = abs((later - earlier).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
