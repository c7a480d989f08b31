"""The timetable rings bells, again and again, until it is left."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from postroom.service.timetable import Timetable


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
    async def ring() -> None:
        raise AssertionError("nobody starts it")

    timetable = Timetable()
    with timetable.ringing(timedelta(milliseconds=1), ring):
        (job,) = timetable._scheduler.get_jobs()
        assert job.trigger.interval == timedelta(seconds=1)
    assert timetable._scheduler.get_jobs() == []
