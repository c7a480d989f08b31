"""Mail that would go round in circles is not forwarded."""

from __future__ import annotations

import pytest

from postroom.mail.header import Header
from postroom.mail.loops import (
    MOST_HOPS,
    MOST_RECEIVED,
    TRACE_FIELD,
    Hop,
    trace_fields,
    why_not_forward,
)

ME = "me@ours.example"


def refusal(*lines: str) -> str:
    return why_not_forward(
        Header.parse("".join(f"{line}\r\n" for line in lines).encode()), ME
    )


def trace(address: str) -> str:
    return f"X-Postroom-Trace: {Hop.of(address)}"


def test_ordinary_mail_may_be_forwarded() -> None:
    assert refusal("Subject: hello", "Received: by a", trace("other@x.org")) == ""


def test_mail_that_this_account_forwarded_before_is_refused() -> None:
    assert "before" in refusal(trace("ME@ours.example"))


def test_too_many_hops_are_refused() -> None:
    hops = [trace(f"{n}@x.org") for n in range(MOST_HOPS)]
    assert "times" in refusal(*hops)
    assert refusal(*hops[1:]) == ""


def test_too_many_received_fields_are_refused() -> None:
    assert "Received" in refusal(*["Received: x"] * (MOST_RECEIVED + 1))
    assert refusal(*["Received: x"] * MOST_RECEIVED) == ""


@pytest.mark.parametrize(
    "line", ["Return-Path: <>", "Content-Type: Multipart/Report; boundary=x"]
)
def test_bounces_are_refused(line: str) -> None:
    assert "bounce" in refusal(line)


def test_a_malformed_trace_is_no_hop() -> None:
    assert refusal("X-Postroom-Trace: v1; a=xyz") == ""


def test_the_trace_goes_on_with_another_hop() -> None:
    header = Header.parse(f"{trace('other@x.org')}\r\n".encode())
    fields = trace_fields(header, ME)
    assert fields == [(TRACE_FIELD, str(Hop.of(at))) for at in ("other@x.org", ME)]
