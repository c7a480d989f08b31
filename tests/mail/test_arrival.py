"""When a message arrived, by the trace that its last server wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.arrival import arrived
from postroom.mail.header import Header

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRACE = "Received: from a.example by mx.example; "


def of(header: str) -> datetime:
    """When a message with this header arrived."""
    return arrived(Header.parse(header.encode("utf-8", "surrogateescape")), NOW)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 23 Nov 2026 10:00:00 +0100", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        (
            "22 Nov 2026 10:00:00 -0330 (NST)",
            datetime(2026, 11, 22, 13, 30, tzinfo=UTC),
        ),
        ("Sun, 1 mar 2026 7:00:00 GMT", NOW),
        ("Sun, 01 Mar 2026 07:00 GMT", datetime(2026, 3, 1, 7, tzinfo=UTC)),
    ],
)
def test_the_date_of_the_trace_is_read(date: str, expected: datetime) -> None:
    assert of(f"{TRACE}{date}\n\n") == expected


def test_the_first_trace_counts_and_never_the_date_field() -> None:
    header = (
        "Return-Path: <ann@example.org>\n"
        f"{TRACE}Sun, 22 Nov 2026 10:00:00 +0000\n"
        f"{TRACE}Sat, 21 Nov 2026 10:00:00 +0000\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0000\n\n"
    )
    assert of(header) == datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        "Date: Fri, 20 Nov 2026 10:00:00 +0000\n\n",
        "Received: from 20 Nov 2026 10:00:00 +0000 by mx.example; soon\n\n" + "x" * 200,
        f"{TRACE}30 Feb 2026 10:00:00 +0000\n\n",
        f"{TRACE}20 Nov 2026 25:00:00 +0000\n\n",
        f"{TRACE}20 Nov 2026 10:00:00 +9999\n\n",
        f"{TRACE}01 Jan 0001 00:00:00 +0100\n\n",
        f"{TRACE}20 Nov 2036 10:00:00 +0000\n\n",
        "",
    ],
)
def test_without_a_date_that_can_be_it_arrived_now(header: str) -> None:
    assert of(header) == NOW


@given(st.text(max_size=300))
def test_no_text_raises_or_comes_from_the_future(text: str) -> None:
    assert of(f"{TRACE}{text}") - NOW <= timedelta(0)
