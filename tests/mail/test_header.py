"""Headers are read within limits, and reading one never raises."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail import limits
from postroom.mail.header import Header


def text_of(value: bytes) -> str:
    return Header.parse(b"Subject: " + value + b"\r\n\r\n").text("subject")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?ISO-8859-1?Q?Gr=FC=DFe?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOfZQ==?= and =?utf-8?q?more?=", "Grüße and more"),
        (b"=?utf-8?q?one?=\r\n =?utf-8?q?two?=", "onetwo"),
        (b"=?utf-8?b?w7w=?= =?utf-8?b?w58=?=", "üß"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        (b"=?utf-8*de?q?sprache?=", "sprache"),
        (b"folded\r\n over lines", "folded over lines"),
        ("roh ü".encode(), "roh ü"),
        (b"roh \xfc", "roh ü"),
        (b"=?unknown-8bit?q?a=FC?=", "aü"),
        (b"=?idna?q?a?=", "a"),
        (b"=?utf-8?b?!!!?=", ""),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-7?q?+2AA-?=", "?"),
        ("u\u0308".encode(), "\xfc"),
        (b"=?utf-8?q?e=CC=81?=", "\xe9"),
    ],
)
def test_a_value_is_decoded(value: bytes, text: str) -> None:
    assert text_of(value) == text


def test_a_decoded_line_break_can_not_begin_a_field() -> None:
    assert text_of(b"=?utf-8?Q?a=0D=0ABcc=3A_evil@x?=") == "a Bcc: evil@x"


def test_names_are_caseless_and_fields_keep_their_order() -> None:
    header = Header.parse(
        b"Received: b\r\nRECEIVED: a\r\nSubject: s\r\n\r\nReceived: c"
    )
    assert [field.text for field in header.all("received")] == ["b", "a"]
    assert header.has("SUBJECT")


def test_bare_line_feeds_end_fields_as_well() -> None:
    header = Header.parse(b"Subject: one\nTo: a@b.c\n\nbody: no\n")
    assert [field.name for field in header.fields] == ["Subject", "To"]


def test_lines_that_are_no_fields_are_passed_over() -> None:
    header = Header.parse(
        b"From someone Mon\r\nno colon\r\n: empty\r\nTo: a@b.c\r\n\r\n"
    )
    assert [field.name for field in header.fields] == ["To"]


def test_what_is_beyond_the_limits_is_cut_and_told() -> None:
    assert "fields" in Header.parse(b"A: 1\r\n" * 2000 + b"\r\n").cut
    assert "Subject" in Header.parse(b"Subject: " + b"a" * 40_000 + b"\r\n\r\n").cut
    assert "octets" in Header.parse(b"A: 1\r\n " * 90_000 + b"\r\n\r\n").cut
    assert Header.parse(b"Subject: fine\r\n\r\n").cut == ""


def test_too_many_encoded_words_are_left_as_they_are() -> None:
    words = b"=?utf-8?q?a?= " * (limits.ENCODED_WORDS + 1)
    assert text_of(words).startswith("=?utf-8?q?a?=")
    assert text_of(b"=?utf-8?q?a?= " * limits.ENCODED_WORDS) == "a" * 200


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: " + b"=?utf-8?q?a?= " * 100_000,
        b"Subject: " + b"=?" * 200_000,
        b"To: " + b"a@b.c," * 100_000,
        b"To: " + b"(" * 500_000,
        b'To: "' + b"\\" * 300_000,
        b"To: " + b"<" * 300_000,
        b"A:\r\n" * 100_000,
        b"A" * 500_000,
        b"A: " + b"b\r\n " * 100_000,
        (b"A" + b"\t" * 200 + b"\n") * 5_000,
        b"Subject: " + b"?= " * 300_000,
        b"Subject: =?a?q?" + b"x" * 1_000_000,
        b"To: " + b'"a\\"' * 250_000,
    ],
    ids=lambda raw: raw[:16].decode(),
)
def test_a_hostile_header_takes_no_time(raw: bytes) -> None:
    """A second is a hundred times what it takes; quadratic reading takes minutes."""
    begun = time.process_time()
    header = Header.parse(raw)
    header.text("Subject")
    header.addresses("To")
    assert time.process_time() - begun < 1


FIELDS = ("From", "To", "Cc", "Bcc", "Resent-To", "Delivered-To", "X-Original-To")


@pytest.mark.parametrize("value", ["a,", "a@b,", "<a", "(a)", "(", "a:", '"a"', "\\a"])
@pytest.mark.parametrize("names", [["From"] * 8, FIELDS], ids=["one", "many"])
def test_the_addresses_of_a_hostile_header_take_no_time(
    names: list[str], value: str
) -> None:
    """However many rules ask for them: they are read once."""
    field = value * (32_000 // len(value))
    header = Header.parse("".join(f"{name}: {field}\r\n" for name in names).encode())
    begun = time.process_time()
    for name in FIELDS * 12:
        assert len(header.addresses(name)) <= limits.ADDRESSES
    assert time.process_time() - begun < 1


def test_the_addresses_of_one_name_are_limited_all_together() -> None:
    raw = ("To: " + "a@b.c," * 600 + "\r\n").encode()
    assert len(Header.parse(raw + raw).addresses("to")) == limits.ADDRESSES
    dense = (b"To: " + b"a," * 8_000 + b"\r\n") * 2 + b"To: a@b.c\r\n"
    assert Header.parse(dense).addresses("To") == ()


@given(st.binary(max_size=500))
def test_any_octets_can_be_read(raw: bytes) -> None:
    header = Header.parse(raw)
    for field in header.fields:
        for text in (field.text, field.raw_text):
            assert text.encode().decode() == text
            assert not {"\r", "\n", "\0", "\u2028"} & set(text)
        header.addresses(field.name)


def test_addresses_of_several_fields_are_put_together_and_shown_on_one_line() -> None:
    header = Header.parse(
        b"Cc: c@example.org\r\nTo: =?utf-8?q?=C3=84nn?= <a@example.org>\r\n\r\n"
    )
    found = header.addresses("To", "Cc", "Bcc")
    assert [each.address for each in found] == ["a@example.org", "c@example.org"]
    assert header.addresses("to") + header.addresses("cc") == found
    shown = header.show_addresses("To", "Cc", "Bcc")
    assert shown == "\u00c4nn <a@example.org>, c@example.org"
    assert header.show_addresses("Bcc") == ""
