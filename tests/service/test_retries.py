"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.service.retries import RetrySchedule
from postroom.store.waits import LONGEST_WAIT

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
draws = st.floats(0, 1, exclude_max=True)


def minutes_until_next(attempts: int, random: float = 0.5) -> float | None:
    """The wait after so many attempts, all of them at once."""
    schedule = RetrySchedule()
    again = schedule.next_attempt(attempts, CREATED, CREATED, lambda: random)
    return None if again is None else (again - CREATED) / timedelta(minutes=1)


def test_the_waits_grow_to_66_minutes() -> None:
    waits = [minutes_until_next(attempts) for attempts in range(9)]
    assert waits == [0, 5, 10, 20, 40, 66, 66, 66, 66]


@pytest.mark.parametrize(("random", "minutes"), [(0, 52.8), (0.5, 66), (1, 79.2)])
def test_the_steady_wait_varies_by_a_fifth(random: float, minutes: float) -> None:
    assert minutes_until_next(6, random) == pytest.approx(minutes)


def test_a_delivery_expires_when_it_is_old_and_was_tried_often() -> None:
    schedule = RetrySchedule()
    old = CREATED + timedelta(days=5, seconds=1)
    assert schedule.next_attempt(12, CREATED, old, lambda: 0.5) is None


def test_a_clock_that_jumps_does_not_expire_what_was_hardly_tried() -> None:
    schedule = RetrySchedule()
    next_year = CREATED + timedelta(days=365)
    again = schedule.next_attempt(11, CREATED, next_year, lambda: 0.5)
    assert again == next_year + timedelta(minutes=66)


def test_a_delivery_that_was_tried_often_in_a_short_time_goes_on() -> None:
    schedule = RetrySchedule()
    young = CREATED + timedelta(days=5)
    assert schedule.next_attempt(1000, CREATED, young, lambda: 0.5) is not None


@given(st.integers(0, 10_000), st.timedeltas(timedelta(0), timedelta(days=400)), draws)
def test_the_next_attempt_is_never_past_and_never_far(
    attempts: int, age: timedelta, random: float
) -> None:
    now = CREATED + age
    again = RetrySchedule().next_attempt(attempts, CREATED, now, lambda: random)
    assert again is None or timedelta(0) <= again - now <= timedelta(minutes=80)


@given(st.integers(0, 10_000), draws)
def test_no_wait_is_longer_than_the_store_believes(
    attempts: int, random: float
) -> None:
    """Else what is delayed would be tried again at once, and again."""
    again = RetrySchedule().next_attempt(attempts, CREATED, CREATED, lambda: random)
    assert again is not None
    assert again - CREATED < LONGEST_WAIT


@given(draws)
def test_a_delivery_that_is_always_delayed_is_tried_for_five_days(
    random: float,
) -> None:
    schedule = RetrySchedule()
    now, attempts = CREATED, 0
    again: datetime | None = CREATED
    while again is not None:
        now, attempts = again, attempts + 1
        again = schedule.next_attempt(attempts, CREATED, now, lambda: random)
    assert timedelta(days=5) < now - CREATED < timedelta(days=5, hours=2)
    assert 90 < attempts < 150


def test_the_schedule_can_be_set() -> None:
    schedule = RetrySchedule(
        waits=(timedelta(0), timedelta(seconds=1)),
        steady=timedelta(seconds=9),
        jitter=0,
        lifetime=timedelta(minutes=1),
        least_attempts=2,
    )
    later = CREATED + timedelta(minutes=2)
    nexts = [schedule.next_attempt(n, CREATED, CREATED, lambda: 0) for n in (1, 2)]
    assert nexts == [CREATED + timedelta(seconds=wait) for wait in (1, 9)]
    assert schedule.next_attempt(1, CREATED, later, lambda: 0) is not None
    assert schedule.next_attempt(2, CREATED, later, lambda: 0) is None


def test_while_the_clock_is_doubted_nothing_expires() -> None:
    schedule, next_year = RetrySchedule(), CREATED + timedelta(days=365)
    again = schedule.next_attempt(
        99, CREATED, next_year, lambda: 0.5, may_expire=lambda: False
    )
    assert again == next_year + timedelta(minutes=66)
