"""The timetable rings bells; it does no mail work. apscheduler is known only here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self

from apscheduler.schedulers.asyncio import (  # type: ignore[import-untyped] # no types
    AsyncIOScheduler,
)
from apscheduler.triggers.interval import (  # type: ignore[import-untyped] # no types
    IntervalTrigger,
)

_MOST_JITTER = timedelta(seconds=30)

Ring = Callable[[], Awaitable[None]]


class Timetable:
    """Bells that ring again and again; an async context manager."""

    def __init__(self) -> None:
        # Without a grace time a run is never skipped because the loop was busy, and
        # coalescing makes one ring of those that were missed while asleep.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(job_defaults=defaults, timezone="UTC")

    @contextmanager
    def ringing(self, interval: timedelta, ring: Ring) -> Iterator[None]:
        """Ring at the interval while the block runs, a little later each time to spread
        the load."""
        jitter = min(interval * 0.1, _MOST_JITTER)
        trigger = IntervalTrigger(
            seconds=max(1, round(interval.total_seconds())),
            jitter=max(1, round(jitter.total_seconds())),
        )
        job = self._scheduler.add_job(ring, trigger)
        try:
            yield
        finally:
            job.remove()

    async def __aenter__(self) -> Self:
        self._scheduler.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Jobs only set events, so nothing is cut short.
        self._scheduler.shutdown(wait=False)
