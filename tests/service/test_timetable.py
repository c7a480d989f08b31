"""The timetable rings bells, again and again, until it is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from postroom.rules.schedule import Schedule
from postroom.service.timetable import Timetable, due_after

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clocks are those of Berlin, under a name that is no zone's."""
    monkeypatch.setenv("TZ", "HERE-1THERE,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def nobody_rings() -> None:
    """The bell of a timetable that nobody starts."""
    raise AssertionError


def test_a_bell_rings_again_and_again_and_not_after_the_end() -> None:
    async def run() -> None:
        rung: list[float] = []
        twice = asyncio.Event()

        async def ring() -> None:
            rung.append(asyncio.get_running_loop().time())
            if len(rung) == 2:
                twice.set()

        timetable = Timetable()
        with timetable.ringing(timedelta(seconds=1), ring):
            async with asyncio.timeout(20), timetable:
                assert rung == []
                await twice.wait()
        assert 0.5 < rung[1] - rung[0] < 10
        await asyncio.sleep(0)
        assert timetable._scheduler.running is False

    asyncio.run(run())


def test_a_bell_that_breaks_does_not_silence_the_others() -> None:
    async def run() -> None:
        rung = asyncio.Event()

        async def fail() -> None:
            raise ZeroDivisionError

        async def ring() -> None:
            rung.set()

        timetable = Timetable()
        second = timedelta(seconds=1)
        with timetable.ringing(second, fail), timetable.ringing(second, ring):
            async with asyncio.timeout(20), timetable:
                await rung.wait()
                rung.clear()
                await rung.wait()

    asyncio.run(run())


def test_the_shortest_interval_is_a_second_and_it_ends_with_its_block() -> None:
    timetable = Timetable()
    with timetable.ringing(timedelta(milliseconds=1), nobody_rings):
        (job,) = timetable._scheduler.get_jobs()
        assert job.trigger.interval == timedelta(seconds=1)
    assert timetable._scheduler.get_jobs() == []


def test_a_schedule_may_be_an_interval() -> None:
    timetable = Timetable()
    hour = timedelta(hours=1)
    with timetable.ringing(Schedule(every=hour), nobody_rings):
        (job,) = timetable._scheduler.get_jobs()
        assert job.trigger.interval == hour
    now = datetime(2026, 11, 23, 18, tzinfo=UTC)
    assert due_after(Schedule(every=hour), now) == now + hour


def test_a_cron_line_rings_a_little_late_and_never_early() -> None:
    timetable = Timetable()
    with timetable.ringing(Schedule(cron="0 6 * * *"), nobody_rings):
        (job,) = timetable._scheduler.get_jobs()
        now, late = datetime(2026, 11, 23, 18, tzinfo=UTC), set()
        for _ in range(50):
            due = due_after(Schedule(cron="0 6 * * *"), now)
            late.add(job.trigger.get_next_fire_time(None, now) - due)
    assert timedelta(0) <= min(late) < max(late) <= timedelta(seconds=30)


def rings(line: str, begin: datetime, count: int) -> list[str]:
    """The times at which it rings, in UTC."""
    told = []
    for _ in range(count):
        begin = due_after(Schedule(cron=line), begin)
        told.append(f"{begin:%d %H:%M}")
    return told


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("30 2 * * *", ["23 01:30", "24 01:30", "25 01:30"]),
        ("*/20 12 * * MON", ["23 11:00", "23 11:20", "23 11:40"]),
        ("0 0 1 jan,FEB *", ["31 23:00", "31 23:00", "31 23:00"]),
        ("5-15/5 8-9 * * tue-wed", ["24 07:05", "24 07:10", "24 07:15"]),
    ],
)
def test_a_cron_line_means_the_clocks_of_the_machine(
    line: str, told: list[str]
) -> None:
    assert rings(line, datetime(2026, 11, 22, 12, tzinfo=UTC), 3) == told


@pytest.mark.usefixtures("in_berlin")
def test_when_the_clocks_go_forward_no_day_is_left_out() -> None:
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert rings("30 2 * * *", begin, 2) == ["29 01:30", "30 00:30"]
    assert rings("0 * * * *", begin.replace(hour=23, minute=30), 3) == [
        "29 00:00",
        "29 01:00",
        "29 02:00",
    ]


@pytest.mark.usefixtures("in_berlin")
def test_when_the_clocks_go_back_the_hour_that_comes_twice_is_rung_twice() -> None:
    """Twice is harmless for a look; never again and again for an hour."""
    begin = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert rings("30 2 * * *", begin, 3) == ["25 00:30", "25 01:30", "26 01:30"]
    every = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    told = [f"25 0{minutes // 60}:{minutes % 60:02}" for minutes in range(20, 200, 20)]
    assert rings("*/20 * * * *", every, 9) == told


@pytest.mark.usefixtures("in_berlin")
def test_in_the_hour_that_comes_twice_a_bell_rings_no_more_than_it_is_due() -> None:
    timetable = Timetable()
    begin = rung = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
    with timetable.ringing(Schedule(cron="*/20 * * * *"), nobody_rings):
        (job,) = timetable._scheduler.get_jobs()
        for number in range(9):
            now = rung + timedelta(milliseconds=1)
            rung = job.trigger.get_next_fire_time(rung, now)
            due = begin + timedelta(minutes=10 + 20 * number)
            assert due <= rung <= due + timedelta(seconds=30)


@pytest.mark.usefixtures("in_berlin")
def test_the_clocks_of_the_machine_are_those_of_its_zone_all_through_a_year() -> None:
    timetable = Timetable()
    with timetable.ringing(Schedule(cron="* * * * *"), nobody_rings):
        (job,) = timetable._scheduler.get_jobs()
        clocks = job.trigger.timezone
    for half_hours in range(365 * 48):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + half_hours * timedelta(minutes=30)
        ours, theirs = moment.astimezone(clocks), moment.astimezone(BERLIN)
        assert ours.replace(tzinfo=None) == theirs.replace(tzinfo=None)
        assert ours.timestamp() == moment.timestamp()


@pytest.mark.parametrize(
    "when",
    [timedelta(minutes=5), Schedule(cron="*/5 * * * *")],
    ids=["interval", "cron"],
)
def test_a_clock_that_is_set_back_silences_no_bell(
    when: timedelta | Schedule,
) -> None:
    """What was due in minutes would be due in a day, as the clock tells it now."""

    async def run() -> None:
        async with Timetable() as timetable:
            with timetable.ringing(when, nobody_rings):
                (job,) = timetable._scheduler.get_jobs()
                job.modify(next_run_time=datetime.now(UTC) + timedelta(days=1))
                timetable.begin_anew()
                due = job.next_run_time - datetime.now(UTC)
                assert timedelta(0) < due < timedelta(minutes=6)

    asyncio.run(run())
