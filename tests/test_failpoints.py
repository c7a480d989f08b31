"""A point ends the process only when the settings and the environment both say so."""

from __future__ import annotations

import subprocess
import sys
import timeit
from collections.abc import Iterator

import pytest

from postroom.errors import ConfigError
from postroom.failpoints import Point, arm, reach

PASSING = """
from postroom.failpoints import Point, arm, reach
arm({request!r}, allowed=True)
for number in range(5):
    reach(Point.C1)
    reach(Point.C7)
    print(number)
"""


@pytest.fixture(autouse=True)
def disarm() -> Iterator[None]:
    """Leave nothing armed."""
    yield
    arm("", allowed=False)


def run(request: str) -> tuple[int, int]:
    """The exit status of a process that passes two points, and how often it did."""
    command = [sys.executable, "-c", PASSING.format(request=request)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, len(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("request_", "status", "passed"),
    [
        ("", 0, 5),
        ("C7", -9, 0),
        ("C7:3", -9, 2),
        ("C7:exit", 99, 0),
        ("C7:2:exit", 99, 1),
        ("C7:1:kill", -9, 0),
        ("C8", 0, 5),
        ("C7:6", 0, 5),
    ],
)
def test_a_point_ends_the_process_at_the_time_that_was_asked_for(
    request_: str, status: int, passed: int
) -> None:
    found, rounds = run(request_)
    assert found == status
    # What a process has not written when it is killed, it has never said.
    assert rounds in {passed, 0}


def test_what_the_settings_do_not_allow_is_said_and_not_done() -> None:
    assert "failpoints = true below [postroom]" in arm("C7", allowed=False)
    reach(Point.C7)


def test_what_is_allowed_and_not_asked_for_does_nothing() -> None:
    assert arm("", allowed=True) == ""
    for point in Point:
        reach(point)


@pytest.mark.parametrize("request_", ["C77", "c7", "C7:", "C7:0", "C7:x", "C7:1:2"])
def test_what_is_no_point_is_refused(request_: str) -> None:
    with pytest.raises(ConfigError, match="C7"):
        arm(request_, allowed=True)


def test_a_point_costs_next_to_nothing() -> None:
    """Less than a microsecond, on any machine; here it is some 40 ns."""
    times = 100_000
    least = min(timeit.repeat(lambda: reach(Point.C7), number=times, repeat=3))
    assert least / times < 1e-6
