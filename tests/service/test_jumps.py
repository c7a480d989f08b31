"""Nothing expires for an hour after somebody has set the wall clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from postroom.ports import Uptime
from postroom.service.clock import SystemClock
from postroom.service.jumps import WallClock
from tests.store.samples import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Machine:
    """A machine whose wall clock can be set, and which has run for so long."""

    wall: datetime = NOON
    ran: timedelta = HOUR

    def now(self) -> datetime:
        """The wall clock."""
        return self.wall

    def monotonic(self) -> float:
        """Seconds of running; a machine that sleeps does not count them."""
        return 0

    def uptime(self) -> Uptime:
        """How long it has run."""
        return Uptime("boot", self.ran.total_seconds())

    def pass_by(self, time: timedelta) -> None:
        """Let so much time pass, awake or asleep."""
        self.wall += time
        self.ran += time


@pytest.fixture
def machine() -> Machine:
    """A machine whose clock is right."""
    return Machine()


@pytest.mark.parametrize("leap", [6 * MINUTE, 3650 * DAY, -6 * MINUTE, -DAY])
def test_a_clock_that_was_set_lets_nothing_expire_for_an_hour(
    machine: Machine, leap: timedelta
) -> None:
    wall = WallClock(machine)
    machine.wall += leap
    assert not wall.may_expire()
    machine.pass_by(59 * MINUTE)
    assert not wall.may_expire()
    machine.pass_by(MINUTE)
    assert wall.may_expire()


def test_one_that_is_set_right_again_is_doubted_for_an_hour_from_then(
    machine: Machine,
) -> None:
    wall = WallClock(machine)
    machine.wall += 3650 * DAY
    assert not wall.may_expire()
    machine.pass_by(30 * MINUTE)
    machine.wall -= 3650 * DAY
    assert not wall.may_expire()
    machine.pass_by(59 * MINUTE)
    assert not wall.may_expire()


@pytest.mark.parametrize("leap", [5 * MINUTE, -5 * MINUTE, timedelta(seconds=1)])
def test_one_that_is_corrected_a_little_is_believed(
    machine: Machine, leap: timedelta
) -> None:
    wall = WallClock(machine)
    machine.wall += leap
    assert wall.may_expire()


def test_a_machine_that_slept_for_a_week_is_believed(machine: Machine) -> None:
    wall = WallClock(machine)
    machine.pass_by(7 * DAY)
    assert wall.may_expire()


@pytest.fixture
def zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A way to change the zone of this process; undone at the end."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_another_zone_is_no_other_time(zones: pytest.MonkeyPatch) -> None:
    """Nor is summer time, which is another offset of the zone."""
    clock = SystemClock()
    wall, local = WallClock(clock), set()
    for zone in ("UTC0", "EST5EDT", "HERE-14"):
        zones.setenv("TZ", zone)
        time.tzset()
        local.add(time.strftime("%z"))
        assert clock.now().tzinfo is UTC
        assert wall.may_expire(), os.environ["TZ"]
    assert len(local) == 3
