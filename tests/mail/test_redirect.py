"""A redirected message: the octets as they came, behind a block of `Resent-` fields."""

from __future__ import annotations

import email
import email.policy
import hashlib
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.mail.envelope import Outgoing, Retry
from postroom.mail.header import Header
from postroom.mail.loops import MOST_HOPS, MOST_RECEIVED, Hop
from postroom.mail.message import DepthError
from postroom.mail.messageids import make_message_id
from postroom.mail.owner import Owner
from postroom.mail.redirect import compose_redirect, why_not_redirect
from tests.builders import NOW, make_message, make_raw

OWNER = Owner("home", "me@ours.example", "Me", aliases=("boss@ours.example",))
BOB = "bob@example.com"
BLOCK = [
    "X-Postroom-Trace",
    *("Resent-From", "Resent-To", "Resent-Date", "Resent-Message-ID"),
]


def redirect(raw: bytes, *to: str, owner: Owner = OWNER) -> Outgoing:
    return compose_redirect(make_message(raw), to or (BOB,), owner, "key", NOW)


def refusal(raw: bytes, *to: str) -> str:
    return why_not_redirect(make_message(raw), OWNER, to or (BOB,))


def with_line(line: str) -> bytes:
    return f"{line}\r\n".encode() + make_raw()


UNCHANGED = [
    make_raw(),
    make_raw(body=b""),
    make_raw(body=b"no line end"),
    make_raw(body="Grüße\r\n.\r\n..\r\nFrom me\r\n"),
    make_raw(body=b"\xff\xfe\x80\r\n"),
    make_raw(body=b"a" * 998 + b"\r\n"),
    make_raw(subject="Fünf =?utf-8?q?=0D=0A?=\r\n\tfolded  twice"),
    b"subject :odd spacing\r\nDKIM-Signature: v=1;\r\n  bh=x\r\n\r\n\r\n\r\n",
    b"Subject: no blank line\r\n",
    b"Subject: no end",
    b"\r\nno header\r\n",
    b"",
]


@pytest.mark.parametrize("raw", UNCHANGED)
def test_the_octets_stay_as_they_were(raw: bytes) -> None:
    """A signature over them is as good as before; only a last line end may be added."""
    assert refusal(raw) == ""
    content = redirect(raw).content
    block = content[: content.index(b"pr@ours.example>\r\n") + 18]
    rest = content.removeprefix(block)
    assert hashlib.sha256(rest[: len(raw)]).digest() == hashlib.sha256(raw).digest()
    assert rest[len(raw) :] in (b"", b"\r\n")
    assert content.endswith(b"\r\n")
    assert [field.name for field in Header.parse(block + b"\r\n").fields] == BLOCK


def test_the_block_says_who_passed_it_on_to_whom_and_when() -> None:
    outgoing = redirect(make_raw(), BOB, "eve@example.com")
    parsed = email.message_from_bytes(outgoing.content, policy=email.policy.default)
    assert parsed.keys() == [*BLOCK, "From", "To", "Subject"]
    assert parsed["Resent-From"] == "Me <me@ours.example>"
    assert parsed["Resent-To"] == "bob@example.com, eve@example.com"
    assert parsedate_to_datetime(parsed["Resent-Date"]) == NOW
    assert parsed["Resent-Message-ID"] == outgoing.message_id
    assert parsed["From"] == "ann@example.org"


def test_it_is_sent_by_the_owner_until_it_has_arrived() -> None:
    outgoing = redirect(make_raw(), owner=Owner("home", "me@ours.example", relay="out"))
    assert outgoing.envelope.sender == "me@ours.example"
    assert outgoing.envelope.recipients == (BOB,)
    assert (outgoing.relay, outgoing.retry) == ("out", Retry.AT_LEAST_ONCE)


def test_a_retry_would_have_the_same_octets() -> None:
    assert redirect(make_raw()) == redirect(make_raw())


def test_a_newer_block_comes_before_an_older_one() -> None:
    once = redirect(make_raw()).content
    eve = Owner("eve", "eve@example.com")
    twice = compose_redirect(make_message(once), ["dan@x.org"], eve, "k", NOW).content
    assert twice.endswith(once)
    assert Header.parse(twice).text("Resent-From") == "eve@example.com"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (make_raw(body=b"a\nb\r\n"), "CR and LF"),
        (make_raw(body=b"a\rb\r\n"), "CR and LF"),
        (make_raw(body=b"a\n\r\r\n"), "CR and LF"),
        (make_raw(body=b"a\0b\r\n"), "NUL"),
        (make_raw(body=b"a" * 999 + b"\r\n"), "more than 998"),
        (b" folded into ours\r\n" + make_raw(), "header field"),
        (b"From ann Mon Mar  2 12:30:00 2026\r\n" + make_raw(), "header field"),
    ],
)
def test_octets_that_can_not_travel_are_refused(raw: bytes, told: str) -> None:
    assert told in refusal(raw)
    assert "only forward can wrap it" in refusal(raw)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"X-Postroom-Trace: {Hop.of('ME@ours.example')}", "before"),
        ("Return-Path: <>", "bounce"),
        ("Content-Type: multipart/report", "bounce"),
        ("Resent-From: Me <ME@ours.example>", "redirected it before"),
        ("Return-Path: <BOB@example.com>", "comes from bob"),
        ("Delivered-To: bob@example.com", "delivered to bob"),
        ("X-Loop: Bob@Example.com", "delivered to bob"),
        ("X-Sieve-Redirected-From: bob@example.com", "delivered to bob"),
        ("X-Forwarded-To: x@y.z, bob@example.com", "delivered to bob"),
        ("Resent-To: bob@example.com", "redirected to bob"),
        ("Resent-Cc: bob@example.com", "redirected to bob"),
    ],
)
def test_what_would_go_in_a_circle_is_refused(line: str, told: str) -> None:
    assert told in refusal(with_line(line))


@pytest.mark.parametrize(
    "line",
    [
        f"X-Postroom-Trace: {Hop.of('other@x.org')}",
        *("Return-Path: <ann@example.org>", "Resent-From: eve@example.com"),
        *("Delivered-To: me@ours.example", "X-Loop: mybob@example.com"),
        *("Resent-To: me@ours.example", "Cc: bob@example.com"),
    ],
)
def test_what_has_been_elsewhere_may_be_redirected(line: str) -> None:
    assert refusal(with_line(line)) == ""


def test_too_many_hops_and_servers_are_refused() -> None:
    hops = "\r\n".join(f"X-Postroom-Trace: {Hop.of(str(n))}" for n in range(MOST_HOPS))
    assert "times" in refusal(with_line(hops))
    servers = "\r\n".join(["Received: x"] * (MOST_RECEIVED + 1))
    assert "Received" in refusal(with_line(servers))


def test_nothing_is_redirected_to_its_author_or_to_the_owner() -> None:
    assert "comes from" in refusal(make_raw(), "Ann@example.org")
    assert "own address" in refusal(make_raw(), "ME@ours.example")
    assert "own address" in refusal(make_raw(), "boss@ours.example")
    assert "nobody" in why_not_redirect(make_message(), OWNER, ())


def test_the_others_get_what_one_of_them_wrote() -> None:
    raw = make_raw(**{"from": BOB})
    assert refusal(raw, BOB, "eve@example.com") == ""
    outgoing = redirect(raw, BOB, "eve@example.com")
    assert outgoing.envelope.recipients == ("eve@example.com",)
    assert Header.parse(outgoing.content).text("Resent-To") == "eve@example.com"


def test_each_gets_it_once() -> None:
    outgoing = redirect(make_raw(), "Bob@example.com", BOB, "eve@example.com", BOB)
    assert outgoing.envelope.recipients == ("Bob@example.com", "eve@example.com")


def test_what_a_machine_answers_to_our_own_mail_is_not_redirected() -> None:
    ours = make_message_id("key", "me@ours.example")
    raw = with_line(f"Auto-Submitted: auto-replied\r\nIn-Reply-To: {ours}")
    assert "a machine answers" in refusal(raw)


def test_a_redirect_needs_the_octets() -> None:
    with pytest.raises(DepthError):
        why_not_redirect(make_message(full=False), OWNER, [BOB])


def test_a_target_that_is_no_address_is_refused() -> None:
    with pytest.raises(PermanentError, match="can't stand in a header"):
        redirect(make_raw(), "bob@example.com\r\nBcc: eve@x.org")


@given(st.binary(max_size=200), st.text(max_size=100))
def test_any_octets_are_refused_or_passed_on_as_they_are(
    octets: bytes, name: str
) -> None:
    owner = Owner("home", "me@ours.example", name)
    for raw in (octets, make_raw(body=octets)):
        if refusal(raw) == "":
            content = redirect(raw, owner=owner).content
            assert content.removesuffix(b"\r\n").endswith(raw.removesuffix(b"\r\n"))
            fields = Header.parse(content).fields
            assert [field.name for field in fields[:5]] == BLOCK
