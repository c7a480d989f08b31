"""Backoff: ever longer up to a cap, drawn from zero, and forgiven in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroom.service.backoff import Backoff, BackoffTimings


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        """Where the hands stand."""
        return self.seconds


def always_the_most() -> float:
    """The upper end of what `random` draws."""
    return 1.0


def test_each_failure_doubles_the_ceiling_up_to_the_cap() -> None:
    backoff = Backoff(Hands().monotonic, always_the_most)
    delays = [backoff.failed() for _ in range(12)]
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=2000))
def test_a_delay_is_drawn_from_zero_to_the_ceiling(draws: list[float]) -> None:
    drawn = iter(draws)
    backoff = Backoff(Hands().monotonic, lambda: next(drawn))
    ceiling = 2.0
    for draw in draws:
        assert backoff.failed() == draw * ceiling
        ceiling = min(ceiling * 2, 600)


def test_a_relay_that_works_for_a_moment_is_not_forgiven() -> None:
    hands = Hands()
    backoff = Backoff(hands.monotonic, always_the_most)
    backoff.failed()
    backoff.works()
    hands.seconds += 59
    backoff.works()
    assert backoff.failed() == 4


def test_a_stable_minute_is_forgiven() -> None:
    hands = Hands()
    backoff = Backoff(hands.monotonic, always_the_most)
    backoff.failed()
    backoff.works()
    hands.seconds += 60
    assert backoff.failed() == 2


def test_the_minute_begins_anew_after_a_failure() -> None:
    hands = Hands()
    backoff = Backoff(hands.monotonic, always_the_most)
    backoff.works()
    hands.seconds += 60
    backoff.failed()
    hands.seconds += 60
    assert backoff.failed() == 4


def test_the_timings_can_be_set() -> None:
    timings = BackoffTimings(base=1, factor=3, cap=5, stable=0)
    backoff = Backoff(Hands().monotonic, always_the_most, timings)
    assert [backoff.failed() for _ in range(3)] == [1, 3, 5]
    backoff.works()
    assert backoff.failed() == 1
