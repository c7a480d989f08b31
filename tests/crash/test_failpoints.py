"""Every named point is one at which the program is killed by some story."""

from __future__ import annotations

from postroom.failpoints import Point
from tests.crash.stories import REACHED


def test_every_point_is_reached_by_a_story() -> None:
    assert {point for reached in REACHED.values() for point in reached} == {*Point}
