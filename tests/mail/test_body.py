"""The readable text of a body, whatever its MIME structure is like."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.body import read_text, walk_parts

ALTERNATIVE = (
    b'Content-Type: multipart/alternative; boundary="x y"\r\n\r\n'
    b"preamble\r\n--x y\r\n\r\nplain words\r\n"
    b"--x y\r\nContent-Type: text/html\r\n\r\n<b>rich</b> words\r\n--x y--\r\nepilogue"
)


def test_a_plain_message_is_its_body() -> None:
    assert read_text(b"Subject: s\r\n\r\nHello\r\n") == "Hello\r\n"


def test_the_plain_alternative_is_preferred() -> None:
    assert read_text(ALTERNATIVE) == "plain words"


def test_html_alone_is_read_without_tags_styles_and_scripts() -> None:
    raw = (
        b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n"
        b"<style>p { color: red }</style><p>Gr\xfc&szlig;e</p><script>evil()</script>"
    )
    assert read_text(raw).split() == ["Grüße"]


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        (b"base64", base64.encodebytes("Grüße".encode())),
        (b"quoted-printable", b"Gr=C3=BC=C3=9Fe"),
        (b"8bit", "Grüße".encode()),
    ],
)
def test_the_transfer_encoding_is_undone(encoding: bytes, encoded: bytes) -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    assert read_text(head + encoding + b"\r\n\r\n" + encoded) == "Grüße"


def test_attachments_are_no_text() -> None:
    raw = ALTERNATIVE.replace(
        b"--x y\r\n\r\nplain",
        b"--x y\r\nContent-Disposition: attachment\r\n\r\nplain",
    )
    assert read_text(raw).split() == ["rich", "words"]


def test_a_multipart_without_its_end_is_read_to_the_end() -> None:
    cut = ALTERNATIVE.partition(b"\r\n--x y\r\nContent-Type: text/html")[0]
    assert read_text(cut) == "plain words"


def nested(depth: int) -> bytes:
    layers = [
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(depth)
    ]
    return b"".join(layers) + b"\r\ndeep"


@pytest.mark.parametrize(
    "raw",
    [
        nested(10_000),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 400_000,
        b"Content-Type: text/html\r\n\r\n" + b"<style" * 300_000,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
        b"Content-Type: text/html" + b";" * 30_000 + b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=" + b"b" * 5_000 + b"\r\n\r\nx",
    ],
    ids=["nesting", "parts", "styles", "angles", "semicolons", "boundary"],
)
def test_a_hostile_body_takes_no_time(raw: bytes) -> None:
    begun = time.process_time()
    read_text(raw)
    assert time.process_time() - begun < 2


@given(st.binary(max_size=400))
def test_any_octets_can_be_walked(raw: bytes) -> None:
    read_text(raw)
    read_text(ALTERNATIVE[:60] + raw)
    assert len(list(walk_parts(raw))) >= 1
