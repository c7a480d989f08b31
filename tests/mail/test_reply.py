"""An answer by itself: short, marked as such, and with no field but the intended."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.mail.eligibility import why_not_reply
from postroom.mail.envelope import Outgoing, Retry
from postroom.mail.machines import why_automatic
from postroom.mail.message import Message
from postroom.mail.owner import Owner
from postroom.mail.reply import compose_reply
from tests.builders import NOW, OWNER, make_message, make_raw

FIELDS = [
    *("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Postroom-Trace"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
]


def ask(**fields: str) -> Message:
    """A message from Ann that may be answered."""
    given = {"message_id": "<1@example.org>", "return_path": "<Ann@Example.org>"}
    return make_message(make_raw(**{**given, **fields}))


def reply(
    message: Message, subject: str | None = None, text: str = "Back soon."
) -> Outgoing:
    return compose_reply(message, text, subject, OWNER, "key", NOW)


def parse(outgoing: Outgoing) -> EmailMessage:
    parsed = email.message_from_bytes(outgoing.content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def names(outgoing: Outgoing) -> list[str]:
    """The names of the fields, by the octets."""
    rows = outgoing.content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return [row.partition(b":")[0].decode() for row in rows if row[:1] != b" "]


def test_an_answer_goes_from_the_owner_to_the_sender() -> None:
    outgoing = reply(ask(reply_to="list@example.org"))
    parsed = parse(outgoing)
    assert parsed.keys() == FIELDS
    assert parsed["From"] == "Me <me@ours.example>"
    assert parsed["To"] == "Ann@Example.org"
    assert outgoing.envelope.recipients == ("Ann@Example.org",)
    assert outgoing.envelope.sender == "me@ours.example"
    assert parsedate_to_datetime(parsed["Date"]) == NOW
    assert parsed["Message-ID"] == outgoing.message_id


def test_an_answer_is_never_sent_twice() -> None:
    assert reply(ask()).retry is Retry.AT_MOST_ONCE
    assert reply(ask()) == reply(ask())


def test_an_answer_is_told_by_its_marks() -> None:
    """Two postrooms that answer each other stop at the first answer."""
    answer = reply(ask())
    parsed = parse(answer)
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed["X-Auto-Response-Suppress"] == "All"
    assert parsed["Precedence"] == "bulk"
    delivered = b"Return-Path: <me@ours.example>\r\n" + answer.content
    ann = Owner("ann", "Ann@example.org")
    back = make_message(delivered)
    assert why_automatic(back.header)
    assert why_not_reply(back, ann, NOW)
    stripped = b"\r\n".join(
        line
        for line in delivered.split(b"\r\n")
        if not line.startswith((b"Auto-", b"Prec", b"X-"))
    )
    assert "postroom" in why_not_reply(make_message(stripped), ann, NOW)


def test_the_text_is_all_that_it_says() -> None:
    outgoing = reply(ask(body="secret"), text="Grüße,\nich\r\nbin weg\r")
    parsed = parse(outgoing)
    assert parsed.get_content_type() == "text/plain"
    octets = parsed.get_payload(decode=True)
    assert octets == "Grüße,\r\nich\r\nbin weg\r\n".encode()
    assert b"secret" not in outgoing.content


@pytest.mark.parametrize(
    ("asked", "given", "subject"),
    [
        ("Lunch?", None, "Auto: Lunch?"),
        ("=?utf-8?q?F=C3=BCnf?=", None, "Auto: Fünf"),
        ("", None, "Auto:"),
        ("Lunch?", "Away", "Away"),
        ("Lunch?", "", ""),
        ("Lunch?", "Weg bis März", "Weg bis März"),
        ("ä" * 500, None, "Auto: " + "ä" * 194),
        ("Lunch?", "x" * 500, "x" * 200),
        ("a\u2028b", None, "Auto: a b"),
    ],
)
def test_the_subject_is_the_given_one_or_that_of_the_message(
    asked: str, given: str | None, subject: str
) -> None:
    assert parse(reply(ask(subject=asked), given))["Subject"] == subject


@pytest.mark.parametrize(
    ("fields", "references"),
    [
        ({}, "<1@example.org>"),
        ({"references": "<a@b> <c@d>"}, "<a@b> <c@d> <1@example.org>"),
        ({"in_reply_to": "<a@b>"}, "<a@b> <1@example.org>"),
        ({"in_reply_to": "<a@b> <c@d>"}, "<1@example.org>"),
        ({"references": "junk <a@b>(x)<nobody> <x@ y>"}, "<a@b> <1@example.org>"),
        ({"references": "<=?utf-8?q?=0D=0A?=@x> <a@b>"}, "<a@b> <1@example.org>"),
    ],
)
def test_an_answer_belongs_to_its_thread(
    fields: dict[str, str], references: str
) -> None:
    parsed = parse(reply(ask(**fields)))
    assert parsed["In-Reply-To"] == "<1@example.org>"
    assert parsed["References"] == references


@pytest.mark.parametrize("message_id", ["", "nothing", "<a b@c>", "<a@b\u2028>"])
def test_without_a_message_id_there_is_no_thread(message_id: str) -> None:
    answered = names(reply(ask(message_id=message_id, references="<a@b>")))
    assert "In-Reply-To" not in answered
    assert "References" not in answered


def test_of_a_long_thread_the_first_and_the_last_are_kept() -> None:
    thread = [f"<{number}@example.org>" for number in range(500)]
    kept = str(parse(reply(ask(references=" ".join(thread))))["References"]).split()
    assert kept == [thread[0], *thread[-18:], "<1@example.org>"]
    long = [f"<{'x' * 140}{number}@example.org>" for number in range(20)]
    references = str(parse(reply(ask(references=" ".join(long))))["References"])
    assert len(references) <= 2048
    assert references.startswith(long[0])
    assert references.endswith(f"{long[-1]} <1@example.org>")


def test_without_a_return_path_nothing_is_composed() -> None:
    with pytest.raises(PermanentError, match="can't stand in a header"):
        reply(make_message())


INJECTIONS = [
    # With CPython 3.11 these words became fields of their own when they were copied.
    "=?utf-8?q?a=0D=0ABcc=3A_evil=40x?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQHgNCg0KYm9keQ==?=",
    "=?utf-8?q?a?=\r\n =?utf-8?q?=0ABcc=3A_evil=40x?=",
    "=?us-ascii?q?=3D=3Futf-8=3Fq=3F=0D=0ABcc=3A_x=3F=3D?=",
    "a\r\n\tBcc: evil@x",
    "a\x0bBcc: evil@x",
    "a\u2028Bcc: evil@x",
    "x" * 5000,
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_no_value_becomes_a_field(value: str) -> None:
    asked = ask(subject=value, references=f"<a@b> {value}", in_reply_to=value)
    for subject in (None, value):
        outgoing = reply(asked, subject)
        assert names(outgoing) == FIELDS
        assert parse(outgoing).keys() == FIELDS
        assert "Bcc" not in parse(outgoing)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=100))
def test_whatever_is_written_the_fields_are_the_intended(
    subject: str, text: str, name: str
) -> None:
    raw = (
        f"Return-Path: <a@b.c>\r\nMessage-ID: <1@x>\r\nReferences: {text}\r\n"
        f"Subject: {subject}\r\n\r\n"
    ).encode("utf-8", "replace")
    owner = Owner("home", "me@ours.example", name)
    for given_subject in (None, subject):
        message = make_message(raw)
        outgoing = compose_reply(message, text, given_subject, owner, "key", NOW)
        assert set(names(outgoing)) <= set(FIELDS)
        assert outgoing.content.isascii()
        rest = outgoing.content.replace(b"\r\n", b"")
        assert b"\n" not in rest
        assert b"\r" not in rest
