"""The conditions on when and where a message arrived, and how it is marked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.mail.message import Message
from tests.builders import NOW, make_message, plan_for


def arrived(at: datetime) -> Message:
    """A message that arrived then, whatever its Date field says."""
    message = make_message(date="Thu, 1 Jan 1970 00:00:00 +0000")
    return replace(message, received=at)


def holds(folder: Path, when: str, message: Message) -> bool:
    """True if the condition holds at `NOW`."""
    return bool(plan_for(folder, when, message).matched)


@pytest.mark.parametrize(
    ("when", "days", "result"),
    [
        ('age = "30d"', 31, True),
        ('age = "30d"', 30, False),
        ('age = { over = "30d" }', 31, True),
        ('age = { under = "30d" }', 29, True),
        ('age = { under = "30d" }', 30, False),
        ('age = { over = "30d", under = "1y" }', 364, True),
        ('age = { over = "30d", under = "1y" }', 365, False),
        ('age = { over = "30d", under = "1y" }', 30, False),
        ('age = "1s"', -1, False),
    ],
)
def test_the_age_is_counted_from_the_arrival(
    tmp_path: Path, when: str, days: int, result: bool
) -> None:
    assert holds(tmp_path, when, arrived(NOW - timedelta(days=days))) is result


# 2026-03-02 was a Monday.
@pytest.mark.parametrize(
    ("when", "at", "result"),
    [
        ("after = 2026-03-02", "2026-03-01T23:00+00:00", True),
        ("after = 2026-03-02", "2026-03-01T22:59+00:00", False),
        ("before = 2026-03-02", "2026-03-01T22:59+00:00", True),
        ("before = 2026-03-02", "2026-03-01T23:00+00:00", False),
        ("after = 2026-01-01, before = 2026-02-01", "2026-01-31T12:00+00:00", True),
        ("after = 2026-01-01, before = 2026-02-01", "2026-02-01T12:00+00:00", False),
        ("after = 2026-03-02T08:00:00", "2026-03-02T07:00+00:00", True),
        ("after = 2026-03-02T08:00:00", "2026-03-02T06:59+00:00", False),
        ("after = 2026-03-02T08:00:00Z", "2026-03-02T07:59+00:00", False),
        ('after = 2026-07-01, zone = "UTC"', "2026-06-30T23:00+00:00", False),
        ("after = 2026-07-01", "2026-06-30T22:00+00:00", True),  # summer time
        ('weekday = "mon"', "2026-03-01T23:00+00:00", True),
        ('weekday = ["sat", "Sunday"]', "2026-03-01T22:59+00:00", True),
        ('weekday = ["sat", "Sunday"]', "2026-03-01T23:00+00:00", False),
        ('weekday = "mon", zone = "America/New_York"', "2026-03-02T04:59Z", False),
        ('weekday = "mon", zone = "America/New_York"', "2026-03-02T05:00Z", True),
        ('between = "09:00-17:00"', "2026-03-02T08:00+00:00", True),
        ('between = "09:00-17:00"', "2026-03-02T16:00+00:00", False),
        ('between = "22:00-06:00"', "2026-03-02T04:59+00:00", True),
        ('between = "22:00-06:00"', "2026-03-02T12:00+00:00", False),
        ('between = "09:00-17:00", weekday = "tue"', "2026-03-02T12:00Z", False),
        ('between = "09:00-17:00", weekday = "mon"', "2026-03-02T12:00Z", True),
    ],
)
def test_the_date_is_that_of_the_arrival_where_the_machine_stands(
    tmp_path: Path, in_berlin: None, when: str, at: str, result: bool
) -> None:
    message = arrived(datetime.fromisoformat(at))
    assert holds(tmp_path, f"date = {{ {when} }}", message) is result


@pytest.mark.parametrize(
    ("bound", "before_it"),
    [("2026-10-25T02:30:00", ["00:15"]), ("2026-10-25T01:00:00Z", ["00:15", "00:45"])],
)
def test_the_hour_that_comes_twice_is_two_hours(
    tmp_path: Path, bound: str, before_it: list[str]
) -> None:
    """In Berlin it is 02:15 at 00:15 and at 01:15 UTC; 02:30 is the first of two."""
    when = f'date = {{ before = {bound}, zone = "Europe/Berlin" }}'
    times = ("00:15", "00:45", "01:15", "01:45")
    found = [
        at
        for at in times
        if holds(tmp_path, when, arrived(datetime.fromisoformat(f"2026-10-25T{at}Z")))
    ]
    assert found == before_it


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("at", [datetime.min, datetime.max])
def test_an_arrival_at_the_ends_of_time_is_no_failure(
    tmp_path: Path, at: datetime, zone: str
) -> None:
    message = arrived(at.replace(tzinfo=UTC))
    when = f'date = {{ weekday = "mon-sun", after = 2026-01-01, zone = "{zone}" }}'
    assert holds(tmp_path, when, message) is (at == datetime.max)


def test_a_plain_date_means_from_then_on(tmp_path: Path) -> None:
    assert holds(tmp_path, "date = 2026-03-01", arrived(NOW))
    assert not holds(tmp_path, "date = 2026-03-04", arrived(NOW))


@pytest.mark.parametrize(
    ("when", "result"),
    [
        ('flag = "flagged"', True),
        ('flag = "FLAGGED"', True),
        ('flag = "$work"', True),
        ('flag = ["seen", "$Work"]', True),
        ('flag = ["seen", "answered", "draft", "deleted"]', False),
        ('flag = "work"', False),
    ],
)
def test_a_flag_is_set_or_it_is_not(tmp_path: Path, when: str, result: bool) -> None:
    marked = frozenset({"\\Flagged", "$Work"})
    assert holds(tmp_path, when, replace(make_message(), flags=marked)) is result


@pytest.mark.parametrize(
    ("when", "result"),
    [
        ('mailbox = "lists"', True),
        ('mailbox = "Lists/*"', True),
        ('mailbox = { is = "Lists" }', False),
    ],
)
def test_the_mailbox_is_where_it_arrived(
    tmp_path: Path, when: str, result: bool
) -> None:
    message = make_message(mailbox="Lists/python")
    assert holds(tmp_path, when, message) is result


@pytest.mark.parametrize(
    ("when", "key", "complaint"),
    [
        ("age = {}", "when.age", "expected over, under or both"),
        (
            'age = { over = "1y", under = "30d" }',
            "when.age",
            "nothing is older than over and younger than under",
        ),
        ('age = "old"', "when.age", "expected a time such as"),
        ("date = {}", "when.date", "expected after, before, weekday or between"),
        ('date = { zone = "UTC" }', "when.date", "expected after, before, weekday"),
        (
            "date = { after = 2026-02-01, before = 2026-02-01 }",
            "when.date",
            "nothing arrives after the one and before the other",
        ),
        ("date.after = 09:00:00", "when.date.after", "expected a day or a time"),
        ('date = "2026-01-01"', "when.date", "without quotes, such as 2026-01-31"),
        (
            'date = { weekday = "mondey" }',
            "when.date.weekday[1]",
            "there is no day of the week 'mondey'; did you mean 'monday'?",
        ),
        ('date = { between = "9-5" }', "when.date.between", "two times of the day"),
        ('date = { weekdays = "mon" }', "when.date.weekdays", "did you mean 'weekday'"),
        ('date = { weekday = "mon", zone = "X" }', "when.date.zone", "time zone 'X'"),
        ('flag = "red flag"', "when.flag[1]", "expected seen, answered, flagged"),
    ],
)
def test_what_makes_no_sense_is_told(
    tmp_path: Path, when: str, key: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, when, make_message())
    (problem,) = caught.value.problems
    assert problem.key == key
    assert complaint in problem.message


def test_the_trace_tells_what_was_seen(tmp_path: Path) -> None:
    message = replace(
        arrived(datetime(2026, 3, 2, 12, tzinfo=UTC)), flags=frozenset("BA")
    )
    when = (
        'age = "60m", mailbox = "INBOX", flag = "a",'
        ' date = { weekday = "mon", between = "09:00-17:00", zone = "Asia/Tokyo" }'
    )
    traces = plan_for(tmp_path, when, message).trace[0].conditions
    assert [(trace.condition, trace.seen) for trace in traces] == [
        ("age = '1h'", "2026-03-02 12:00:00+00:00"),
    ]
    younger = plan_for(tmp_path, when.replace("60m", "10m"), message)
    assert [trace.seen for trace in younger.trace[0].conditions] == [
        *("2026-03-02 12:00:00+00:00", "INBOX", "A B"),
        "2026-03-02 21:00:00+09:00",
    ]
    shown = younger.trace[0].conditions[-1].condition
    assert shown == (
        "date = { weekday = 'mon', between = '09:00-17:00', zone = 'Asia/Tokyo' }"
    )
