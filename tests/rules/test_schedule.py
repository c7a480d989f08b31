"""A schedule can be read in one way only, and names times that come."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from postroom.rules.schedule import Schedule, check_cron


@pytest.mark.parametrize(
    "line",
    [
        "* * * * *",
        "0 3 * * *",
        "*/15 8-18 * * mon-fri",
        "0,30 0-23/2 1,15 * *",
        "5 4 29 feb *",
        "0 0 31 1-3 *",
        "0 12 * JAN,jul Sun",
        "  0   3 * *   * ",
        "0 3 */2 * mon",
    ],
)
def test_what_every_cron_reads_alike_is_taken(line: str) -> None:
    assert check_cron(line) == line
    assert Schedule(cron=line).cron == line


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0 3 * *", "expected five fields"),
        ("0 3 * * * *", "expected five fields"),
        ("@daily", "expected five fields"),
        ("60 3 * * *", "minute: expected 0-59, not '60'"),
        ("0 24 * * *", "hour: expected 0-23, not '24'"),
        ("0 3 0 * *", "day of the month: expected 1-31, not '0'"),
        ("0 3 * 13 *", "month: expected 1-12 or jan-dec, not '13'"),
        ("0 3 * june *", "month: expected 1-12 or jan-dec, not 'june'"),
        ("0 3 * * 0", "day of the week: expected names, mon, tue"),
        ("0 3 * * 1-5", "a number means different days to different programs"),
        ("0 3 * * fri-mon", "day of the week: 'fri-mon' runs backwards"),
        ("0 22-6 * * *", "hour: '22-6' runs backwards"),
        ("*/0 * * * *", "minute: the step of '*/0' is no number above 0"),
        ("*/x * * * *", "the step of '*/x'"),
        ("*/ * * * *", "the step of '*/'"),
        ("5/10 * * * *", "minute: a step goes with * or a range"),
        ("1,,2 * * * *", "minute: expected 0-59, not ''"),
        ("-1 * * * *", "minute: expected 0-59, not ''"),
        ("1- * * * *", "minute: expected 0-59, not ''"),
        ("\u0661 * * * *", "minute: expected 0-59"),
        ("0 3 1 * mon", "a day of the month and one of the week: some programs want"),
        ("0 0 30 feb *", "there is no such day in these months"),
        ("0 0 31 4,jun *", "there is no such day in these months"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(
    line: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        check_cron(line)


def test_a_schedule_is_one_of_the_two() -> None:
    assert Schedule(every=timedelta(minutes=1)).every == timedelta(minutes=1)
    for every, cron in ((None, ""), (timedelta(hours=1), "0 3 * * *")):
        with pytest.raises(ValueError, match="either every, such as"):
            Schedule(every, cron)


def test_nothing_runs_more_often_than_each_minute() -> None:
    with pytest.raises(ValueError, match="expected at least a minute"):
        Schedule(every=timedelta(seconds=59))


def test_a_cron_line_is_checked_wherever_it_comes_from() -> None:
    with pytest.raises(ValueError, match="expected five fields"):
        Schedule(cron="now and then")
