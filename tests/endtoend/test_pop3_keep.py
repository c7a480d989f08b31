"""What is kept on the server for some days is never removed early by any clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from postroom.ports import Uptime
from tests.endtoend.maildrops import PopDaemon, PopHouse, in_the_clear
from tests.endtoend.sorting import KEPT, expect, found_in, letter
from tests.servers.maildrop import Maildrop
from tests.store.samples import NOON

DAY = timedelta(days=1)
KINDS = (KEPT,)


@dataclass
class TwoClocks:
    """A wall clock that can be set, and one that counts since the last boot."""

    wall: datetime = NOON
    ran: timedelta = timedelta(0)
    boot: str = "first"

    def now(self) -> datetime:
        """The wall clock."""
        return self.wall

    def monotonic(self) -> float:
        """Seconds of running."""
        return self.ran.total_seconds()

    def uptime(self) -> Uptime:
        """The same, and which boot it was."""
        return Uptime(self.boot, self.ran.total_seconds())

    def pass_by(self, time: timedelta) -> None:
        """Let so much time pass."""
        self.wall += time
        self.ran += time


@pytest.fixture
def daemon(house: PopHouse, maildrop: Maildrop) -> PopDaemon:
    """A daemon at a maildrop of one message, which is kept for two weeks."""
    maildrop.put(letter(0, KINDS))
    return house.daemon(in_the_clear(maildrop.port), 'keep = "14d"')


def days_until_removal(daemon: PopDaemon, maildrop: Maildrop, clock: TwoClocks) -> int:
    """Visit it daily from now on; how many days it took."""
    for days in range(100):
        assert daemon.visit(clock) == ()
        if not maildrop.letters:
            return days
        clock.pass_by(DAY)
    raise AssertionError("it was never removed")


def test_it_is_removed_when_its_time_has_passed(
    daemon: PopDaemon, maildrop: Maildrop
) -> None:
    assert days_until_removal(daemon, maildrop, TwoClocks()) == 14
    assert found_in(daemon.stored()) == expect([0], KINDS)
    assert maildrop.said("RETR") == ["1"]


@pytest.mark.parametrize("jump", [timedelta(days=20), timedelta(days=3650)])
def test_a_clock_that_is_set_forward_removes_nothing_early(
    daemon: PopDaemon, maildrop: Maildrop, jump: timedelta
) -> None:
    clock = TwoClocks()
    assert daemon.visit(clock) == ()
    clock.wall += jump
    clock.pass_by(timedelta(hours=1))
    assert days_until_removal(daemon, maildrop, clock) in (13, 14)


def test_a_clock_that_is_set_back_only_delays(
    daemon: PopDaemon, maildrop: Maildrop
) -> None:
    clock = TwoClocks()
    assert daemon.visit(clock) == ()
    clock.wall -= 5 * DAY
    assert days_until_removal(daemon, maildrop, clock) in (14, 19)


def test_time_counts_across_boots(daemon: PopDaemon, maildrop: Maildrop) -> None:
    clock = TwoClocks()
    for boot in ("second", "third", "fourth"):
        for _ in range(4):
            assert daemon.visit(clock) == ()
            clock.pass_by(DAY)
        assert daemon.visit(clock) == ()
        clock.boot, clock.ran = boot, timedelta(minutes=1)
    assert days_until_removal(daemon, maildrop, clock) in (2, 3)
