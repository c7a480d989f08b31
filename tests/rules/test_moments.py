"""Days, hours and time zones mean what people mean by them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from pydantic import TypeAdapter, ValidationError

from postroom.rules.moments import Hours, Moment, Weekday, Weekdays, ZoneName


@pytest.mark.parametrize(
    ("written", "within", "outside"),
    [
        ("09:00-17:00", ["09:00:00", "16:59:59"], ["08:59:59", "17:00:00"]),
        ("9:30 - 10:00", ["09:30", "09:59"], ["10:00", "21:45"]),
        ("22:00-06:00", ["22:00", "00:00", "05:59:59"], ["06:00", "21:59"]),
        ("17:00-24:00", ["17:00", "23:59:59"], ["00:00", "16:59"]),
        ("00:00-12:00", ["00:00", "11:59"], ["12:00", "23:59"]),
        ("00:00-24:00", ["00:00", "23:59:59"], []),
        ("17:00-00:00", ["17:00", "23:59:59"], ["00:00", "16:59"]),
    ],
)
def test_hours_are_from_the_first_on_and_before_the_second(
    written: str, within: list[str], outside: list[str]
) -> None:
    hours = Hours.model_validate(written)
    assert all(time.fromisoformat(moment) in hours for moment in within)
    assert not any(time.fromisoformat(moment) in hours for moment in outside)
    assert str(hours) == repr(written)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("9-17", "expected two times of the day"),
        ("09:00", "expected two times of the day"),
        ("09:00-25:00", "there is no time 25:00"),
        ("09:60-10:00", "there is no time 09:60"),
        ("09:00-09:00", "it ends when it begins"),
        ("24:00-06:00", "there is no time 24:00"),
        (9, "valid string"),
    ],
)
def test_what_are_no_hours_is_refused(written: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Hours.model_validate(written)


def test_days_of_the_week_have_names() -> None:
    days: TypeAdapter[tuple[Weekday, ...]] = TypeAdapter(Weekdays)
    monday, sunday = date(2026, 3, 2), date(2026, 3, 8)
    for written in ("mon", "Monday", ["MON", "tue"]):
        found = days.validate_python(written)
        assert any(monday in day for day in found)
        assert not any(sunday in day for day in found)
    with pytest.raises(ValidationError, match="did you mean 'wednesday'"):
        days.validate_python("wendesday")
    wrong: object
    for wrong in ([], "mo", 1):
        with pytest.raises(ValidationError):
            days.validate_python(wrong)


@pytest.mark.parametrize(
    ("written", "within"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Saturday - Monday", {5, 6, 0}),
        ("tue-tue", {1}),
        (["mon-tue", "sun"], {0, 1, 6}),
    ],
)
def test_days_in_a_row_have_a_dash(written: object, within: set[int]) -> None:
    days: TypeAdapter[tuple[Weekday, ...]] = TypeAdapter(Weekdays)
    found = days.validate_python(written)
    week = [date(2026, 3, 2 + number) for number in range(7)]
    assert {day.weekday() for day in week if any(day in each for each in found)} == (
        within
    )


def test_a_dash_stands_between_two_days() -> None:
    for wrong, told in (
        ("mon-fridy", "did you mean 'friday'"),
        ("mon-", "no day of the week ''"),
        ("mon-wed-fri", 'such as "mon-fri"'),
    ):
        with pytest.raises(ValidationError, match=told):
            Weekday.model_validate(wrong)


def test_a_moment_is_a_day_or_a_time_of_toml() -> None:
    adapter: TypeAdapter[date] = TypeAdapter(Moment)
    for moment in (date(2026, 1, 1), datetime(2026, 1, 1, 8, tzinfo=UTC)):
        assert adapter.validate_python(moment) == moment
    for wrong in ("2026-01-01", 5, True, time(8)):
        with pytest.raises(ValidationError, match="without quotes"):
            adapter.validate_python(wrong)
    with pytest.raises(ValidationError, match="from 1970 on"):
        adapter.validate_python(date(1, 1, 1))


def test_a_time_zone_is_one_that_there_is() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(ZoneName)
    assert adapter.validate_python("Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Europe/Berlim", "../../etc/passwd", "/etc/passwd", "Europe", ""):
        with pytest.raises(ValidationError, match="there is no time zone"):
            adapter.validate_python(wrong)
