"""Mail that would go round in circles is not passed on, forwarded or redirected."""

from __future__ import annotations

import time

import pytest

from postroom.mail.header import Header
from postroom.mail.loops import (
    MOST_HOPS,
    MOST_RECEIVED,
    TRACE_FIELD,
    Hop,
    fit_targets,
    trace_fields,
    why_not_pass_on,
)
from postroom.mail.messageids import make_message_id
from postroom.mail.owner import Owner
from tests.builders import make_message

ME = "me@ours.example"
DESK = "desk@tickets.example"
OWNER = Owner("home", ME, aliases=("Boss@ours.example",))
OURS = make_message_id("key", ME)
ANSWER = f"In-Reply-To: {OURS}"


def refusal(*lines: str, to: tuple[str, ...] = (DESK,)) -> str:
    raw = "".join(f"{line}\r\n" for line in lines).encode()
    return why_not_pass_on(make_message(raw, full=False), OWNER, to)


def trace(address: str) -> str:
    return f"X-Postroom-Trace: {Hop.of(address)}"


def test_ordinary_mail_may_go_on() -> None:
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
    "line",
    [
        *("Return-Path: <>", "Return-Path: <MAILER-DAEMON>"),
        *("Return-Path: (null) <mailer-daemon@x.org>", "From: MAILER-DAEMON"),
        *("From: Mail System <Mailer-Daemon@x.org>", "From: mailer-daemon (Mail)"),
        *("From: (x) mailer-daemon@x.org", "From: Servers: mailer-daemon@x.org;"),
        *("From: ann@x.org, MAILER-DAEMON", "X-Failed-Recipients: desk@x.org"),
        *("Content-Type: Multipart/Report; boundary=x", "From: <MAILER-DAEMON>"),
        "Content-Type: message/delivery-status",
    ],
)
def test_bounces_are_refused(line: str) -> None:
    """Also where the server that keeps the mail notes no Return-Path."""
    assert "bounce" in refusal(line)


@pytest.mark.parametrize(
    "line",
    [
        *("From: Mailer-Daemon Fan <ann@x.org>", "From: my-mailer-daemon@x.org"),
        *("From: mailer-daemons@x.org", "Content-Type: multipart/mixed; boundary=x"),
    ],
)
def test_what_only_looks_like_a_bounce_goes_on(line: str) -> None:
    assert refusal(line) == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"From: Tickets <{DESK.title()}>", "comes from desk@"),
        (f"Return-Path: <{DESK}>", "comes from desk@"),
        (f"Delivered-To: {DESK}", "delivered to desk@"),
        (f"X-Loop: {DESK}", "delivered to desk@"),
        (f"Resent-To: {DESK}", "redirected to desk@"),
    ],
)
def test_nothing_goes_back_to_where_it_was(line: str, told: str) -> None:
    """A desk that acknowledges what is sent to it would do so for ever."""
    assert told in refusal(line)
    assert refusal(line, to=(DESK, "bob@x.org")) == ""


@pytest.mark.parametrize(
    "own", ["ME@ours.example", "boss@ours.example", "me+work@ours.example"]
)
def test_nothing_goes_to_the_owner_again(own: str) -> None:
    assert "own address" in refusal("Subject: hello", to=(own,))


def test_another_account_of_the_owner_is_another_address() -> None:
    assert refusal("Subject: hello", to=("me@other.example",)) == ""
    assert refusal("Subject: hello", to=("me@mail.ours.example",)) == ""


def test_nobody_is_nobody() -> None:
    assert "nobody" in refusal("Subject: hello", to=())


def test_each_gets_it_once_and_those_whom_it_comes_from_do_not() -> None:
    header = Header.parse(b"From: eve@x.org\r\n\r\n")
    to = ("a@x.org", "Eve@x.org", "A@x.org", "b@x.org", "a@x.org", ME)
    assert fit_targets(header, OWNER, to) == ("a@x.org", "b@x.org")


@pytest.mark.parametrize(
    "line",
    [
        *("Auto-Submitted: auto-replied", "Precedence: bulk", "From: no-reply@x.org"),
        "Return-Path: <bounces@x.org>",
    ],
)
def test_what_a_machine_answers_to_our_own_mail_is_refused(line: str) -> None:
    for answers in (ANSWER, f"References: <1@x.org>\r\n {OURS}"):
        assert "a machine answers" in refusal(line, answers)
    assert refusal(line) == ""
    assert refusal(line, "In-Reply-To: <1@x.org>") == ""


@pytest.mark.parametrize("name", ["Return-Path", "From", "References", "Received"])
def test_a_hostile_header_takes_no_time_however_many_forward_it(name: str) -> None:
    fields = "".join(f"{name}: {'(<a@b>' * 5_000}\r\n" for _ in range(8))
    message = make_message(f"{fields}Precedence: bulk\r\n".encode(), full=False)
    begun = time.process_time()
    for number in range(50):
        why_not_pass_on(message, OWNER, (f"{number}@x.org",))
    assert time.process_time() - begun < 1


def test_what_a_person_answers_to_our_own_mail_goes_on() -> None:
    assert refusal("From: Ann <ann@x.org>", ANSWER) == ""


def test_a_malformed_trace_is_no_hop() -> None:
    assert refusal("X-Postroom-Trace: v1; a=xyz") == ""


def test_the_trace_goes_on_with_another_hop() -> None:
    header = Header.parse(f"{trace('other@x.org')}\r\n".encode())
    fields = trace_fields(header, ME)
    assert fields == [(TRACE_FIELD, str(Hop.of(at))) for at in ("other@x.org", ME)]
