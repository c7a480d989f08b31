"""The timetable rings bells; it does no mail work. apscheduler is known only here."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from types import TracebackType
from typing import Self

from apscheduler.schedulers.asyncio import (  # type: ignore[import-untyped] # no types
    AsyncIOScheduler,
)
from apscheduler.triggers.base import (  # type: ignore[import-untyped] # no types
    BaseTrigger,
)
from apscheduler.triggers.cron import (  # type: ignore[import-untyped] # no types
    CronTrigger,
)
from apscheduler.triggers.interval import (  # type: ignore[import-untyped] # no types
    IntervalTrigger,
)

from postroom.rules.schedule import Schedule

_MOST_JITTER = timedelta(seconds=30)

Ring = Callable[[], Awaitable[None]]


class Timetable:
    """Bells that ring again and again; an async context manager."""

    def __init__(self) -> None:
        # Without a grace time a run is never skipped because the loop was busy, and
        # coalescing makes one ring of those that were missed while asleep.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._schedules: dict[str, timedelta | Schedule] = {}
        self._scheduler = AsyncIOScheduler(job_defaults=defaults, timezone="UTC")

    @contextmanager
    def ringing(self, when: timedelta | Schedule, ring: Ring) -> Iterator[None]:
        """Ring at the interval, or by the schedule, while the block runs; each time a
        little later, to spread the load."""
        job = self._scheduler.add_job(ring, _trigger(when))
        self._schedules[job.id] = when
        try:
            yield
        finally:
            del self._schedules[job.id]
            job.remove()

    def begin_anew(self) -> None:
        """Find out anew when each bell rings next, as the wall clock was set: one that
        was set back would silence all of them for so long."""
        for job in self._scheduler.get_jobs():
            job.reschedule(_trigger(self._schedules[job.id]))

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


def due_after(schedule: Schedule, moment: datetime) -> datetime:
    """When the bell of a schedule rings next, without what is added to spread it."""
    if schedule.every:
        return moment + schedule.every
    later = moment.astimezone(UTC) + timedelta.resolution
    due: datetime = _by_cron(schedule.cron, CronTrigger).get_next_fire_time(None, later)
    return due.astimezone(UTC)


def _trigger(when: timedelta | Schedule) -> BaseTrigger:
    if isinstance(when, timedelta):
        return _at_intervals(when)
    if when.every:
        return _at_intervals(when.every)
    return _by_cron(when.cron, _SpreadCron)


def _at_intervals(interval: timedelta) -> IntervalTrigger:
    jitter = min(interval * 0.1, _MOST_JITTER)
    return IntervalTrigger(
        seconds=max(1, round(interval.total_seconds())),
        jitter=max(1, round(jitter.total_seconds())),
    )


def _by_cron(line: str, kind: type[CronTrigger]) -> CronTrigger:
    minute, hour, day, month, day_of_week = line.split()
    return kind(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=day_of_week,
        timezone=_Clocks(),
    )


class _SpreadCron(CronTrigger):  # type: ignore[misc] # its types are not known
    """Rings a little later than is due.

    What is added is added in UTC: as a sum of local times it would be, in the second of
    the two hours that autumn has, in the first, and due at once for the whole hour.
    """

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime:
        due: datetime = super().get_next_fire_time(previous_fire_time, now)
        return due.astimezone(UTC) + random.random() * _MOST_JITTER


class _Clocks(tzinfo):
    """The clocks of the machine, whatever their zone is called, as people read them.

    The name of the zone is not asked for: in a container it often belongs to another.
    """

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        return moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "machine"

    def fromutc(self, moment: datetime) -> datetime:
        shown = moment.replace(tzinfo=UTC).astimezone()
        ours = shown.replace(tzinfo=self)
        # In autumn an hour is shown twice (PEP 495).
        is_first = ours.utcoffset() == shown.utcoffset()
        return ours if is_first else ours.replace(fold=1)
