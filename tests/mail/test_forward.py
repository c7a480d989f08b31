"""What postroom writes: the original unchanged, and no field but the intended ones."""

from __future__ import annotations

import email
import email.policy
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.mail import writing
from postroom.mail.envelope import Outgoing
from postroom.mail.forward import compose_forward
from postroom.mail.owner import Owner
from tests.builders import NOW, OWNER, make_message, make_raw

FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Postroom-Trace",
    "MIME-Version",
    "Reply-To",
    "Content-Type",
]


def forward(raw: bytes, owner: Owner = OWNER) -> Outgoing:
    return compose_forward(make_message(raw), ["bob@example.com"], owner, "key", NOW)


def parse(outgoing: Outgoing) -> EmailMessage:
    parsed = email.message_from_bytes(outgoing.content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_the_original_is_inside_octet_by_octet() -> None:
    raw = make_raw(body="Grüße\r\n.\r\nFrom here\r\n", subject="Fünf")
    outgoing = forward(raw)
    assert outgoing.content.count(raw) == 1
    inner = list(parse(outgoing).iter_attachments())[-1]
    assert inner.get_content_type() == "message/rfc822"
    assert inner["Content-Transfer-Encoding"] == "8bit"


def test_it_comes_from_the_owner_and_answers_go_to_the_author() -> None:
    parsed = parse(forward(make_raw(**{"from": "Ann <ann@example.org>"})))
    assert parsed["From"] == "Me <me@ours.example>"
    assert parsed["To"] == "bob@example.com"
    assert parsed["Reply-To"] == "Ann <ann@example.org>"
    assert parsed["Subject"] == "Fwd: Hello"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed.keys() == FIELDS


def test_the_envelope_sender_is_the_owner() -> None:
    envelope = forward(make_raw()).envelope
    assert (envelope.sender, envelope.recipients) == (
        "me@ours.example",
        ("bob@example.com",),
    )


def test_it_goes_to_each_once_and_not_back_to_its_author() -> None:
    to = ["Bob@example.com", "ann@example.org", "bob@example.com", "me@ours.example"]
    outgoing = compose_forward(make_message(make_raw()), to, OWNER, "key", NOW)
    assert outgoing.envelope.recipients == ("Bob@example.com",)
    assert parse(outgoing)["To"] == "Bob@example.com"


def test_a_retry_would_have_the_same_octets() -> None:
    assert forward(make_raw()) == forward(make_raw())


def test_another_key_makes_another_message() -> None:
    message = make_message()
    one, two = (compose_forward(message, ["b@c.d"], OWNER, key, NOW) for key in "ab")
    assert one.message_id != two.message_id


@pytest.mark.parametrize(
    "body",
    [
        *(b"a\nb", b"a\rb\r\n", b"a\rb\nc\r\n", b"a\n\r", b"a\0b\r\n"),
        *(b"a" * 999 + b"\r\n", b"\r\n" * 3 + b"a" * 999, b"a\r\n" + b"a" * 1500),
    ],
)
def test_an_original_that_can_not_travel_is_wrapped(body: bytes) -> None:
    raw = make_raw(body=body)
    attachment = list(parse(forward(raw)).iter_attachments())[-1]
    assert attachment.get_content_type() == "application/octet-stream"
    assert attachment.get_content() == raw
    assert attachment.get_filename() == "original.eml"


def test_lines_as_long_as_they_may_be_travel_as_they_are() -> None:
    raw = make_raw(body=b"a" * 998 + b"\r\n\r\n" + b"b" * 998)
    inner = list(parse(forward(raw)).iter_attachments())[-1]
    assert inner.get_content_type() == "message/rfc822"


@pytest.mark.parametrize(
    "line",
    [b"x" * 76 + b"\r\n", b"\r\n", b"x", b"x\n", b"\r\n" + b"x" * 998],
    ids=["lines", "blanks", "endless", "bare", "longest"],
)
def test_a_large_message_is_composed_in_no_time(line: bytes) -> None:
    raw = make_raw(body=line * (50 * 1024**2 // len(line)))
    begun = time.process_time()
    forward(raw)
    assert time.process_time() - begun < 2


def test_a_header_keeps_its_lines_short() -> None:
    """And says the same as if it had not been folded."""
    to = [f"{'a' * 50}{number}@{'b' * 50}.example" for number in range(20)]
    owner = Owner("home", "me@ours.example", "Me, Myself, " * 12)
    subject = "Grüße aus Übersee " * 10
    original = make_message(
        make_raw(subject=subject, **{"from": "Ä" * 90 + " <a@b.c>"})
    )
    outgoing = compose_forward(original, to, owner, "key", NOW)
    head = outgoing.content.partition(b"\r\n\r\n")[0]
    rows = head.split(b"\r\n")
    addresses = [row for row in rows if b"@bbb" in row]
    assert len(addresses) == 20
    assert max(len(row) for row in rows if row not in addresses) <= 78
    assert max(len(row) for row in rows if b"=?" in row) <= 76
    parsed = parse(outgoing)
    assert str(parsed["To"]).split(", ") == to
    assert parsed["Subject"] == f"Fwd: {subject.strip()}"


def test_a_line_that_no_server_takes_is_refused() -> None:
    with pytest.raises(PermanentError, match="longer than servers take"):
        writing.write_header([("Subject", "x" * 990)])


def test_a_boundary_inside_the_original_is_not_used() -> None:
    raw = make_raw()
    boundary = parse(forward(raw)).get_boundary()
    assert boundary is not None
    evil = make_raw(body=f"--{boundary}--\r\n")
    assert parse(forward(evil)).get_boundary() != boundary


def test_trace_fields_of_the_original_are_carried_on() -> None:
    trace = "v1; a=0123456789abcdef"
    parsed = parse(forward(make_raw(x_postroom_trace=trace)))
    first, second = parsed.get_all("X-Postroom-Trace", [])
    assert first == trace != second


def test_an_owner_who_is_no_address_is_refused() -> None:
    with pytest.raises(PermanentError, match="can't stand in a header"):
        forward(make_raw(), Owner("home", "me@ours.example\r\nBcc: x@y"))


INJECTIONS = [
    "=?utf-8?q?a=0D=0ABcc=3A_evil=40x?=",
    "=?utf-8?b?DQoNCmJvZHk=?=",
    "a\r\n\tBcc: evil@x",
    "a\u2028Bcc: evil@x",
    "=?utf-8?q?=E2=80=A8Bcc=3A_x?=",
    "a\x0bBcc: evil@x",
    'quo"te\\',
    "=?utf-8?q?_?=" * 150,
    "x" * 5000,
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_no_value_becomes_a_field(value: str) -> None:
    raw = make_raw(**{"subject": value, "from": f"{value} <ann@example.org>"})
    head = forward(raw).content.partition(b"\r\n\r\n")[0]
    rows = head.split(b"\r\n")
    names = [row.partition(b":")[0].decode() for row in rows if row[:1] != b" "]
    assert names in (FIELDS, [name for name in FIELDS if name != "Reply-To"])
    assert head.isascii()
    assert max(map(len, rows)) <= 998


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_becomes_a_field(subject: str, name: str) -> None:
    raw = f"Subject: {subject}\r\nFrom: {name} <a@b.c>\r\n\r\n".encode(
        "utf-8", "replace"
    )
    outgoing = forward(raw, Owner("home", "me@ours.example", name))
    head = outgoing.content.partition(b"\r\n\r\n")[0]
    names = [row.partition(b":")[0] for row in head.split(b"\r\n") if row[:1] != b" "]
    assert set(names) <= {field.encode() for field in FIELDS}
    assert head.replace(b"\r\n", b"").find(b"\n") == -1
