"""The readable text of a body, whatever its MIME structure is like."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail import limits
from postroom.mail.body import read_text
from postroom.mail.parts import walk_parts

ALTERNATIVE = (
    b'Content-Type: multipart/alternative; boundary="x y"\r\n\r\n'
    b"preamble\r\n--x y\r\n\r\nplain words\r\n"
    b"--x y\r\nContent-Type: text/html\r\n\r\n<b>rich</b> words\r\n--x y--\r\nepilogue"
)


HTML = b"Content-Type: text/html\r\n\r\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


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
        (b"Base64 (by hand)", base64.encodebytes("Grüße".encode())),
        (b"base64;", base64.encodebytes("Grüße".encode())),
        (b"quoted-printable", b"Gr=C3=BC=C3=9Fe"),
        (b"8bit", "Grüße".encode()),
    ],
)
def test_the_transfer_encoding_is_undone(encoding: bytes, encoded: bytes) -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    assert read_text(head + encoding + b"\r\n\r\n" + encoded) == "Grüße"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (b"in<b>voi</b>ce<!-- x -->s", "invoices"),
        (b"in<span class=x>voice</span>", "invoice"),
        (b"in<o:p></o:p>voice<style>x</style>s", "invoices"),
        (b"total<br>due", "total due"),
        (b"<p>total</p><p>due</p>", "total due"),
        (b"<tr><td>total</td><td>5</td></tr>", "total 5"),
        (b"<H1>total</H1>due<HR/>now", "total due now"),
    ],
)
def test_a_tag_ends_a_word_where_it_ends_a_line(markup: bytes, text: str) -> None:
    assert " ".join(read_text(HTML + markup).split()) == text


def test_the_lines_of_a_text_stay_as_they_are() -> None:
    assert read_text(b"\r\na  b\r\n\r\n c") == "a  b\r\n\r\n c"


def test_accents_have_one_form() -> None:
    assert read_text("\r\ne\u0301".encode()) == "\xe9"
    assert read_text(HTML + b"<p>e&#769;</p>").strip() == "\xe9"


def test_attachments_are_no_text() -> None:
    raw = ALTERNATIVE.replace(
        b"--x y\r\n\r\nplain",
        b"--x y\r\nContent-Disposition: attachment\r\n\r\nplain",
    )
    assert read_text(raw).split() == ["rich", "words"]


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        (b"--b\n\none\n--b\n\ntwo\n--b--", [b"one", b"two"]),
        (b"--b\r\n\r\none\r\n\r\n--b \t\r\n\r\n--b--", [b"one\r\n", b""]),
        (
            b"--b\r\n--b\r\n\r\nx\r\n--bb\r\n--b--x\r\n",
            [b"", b"x\r\n--bb\r\n--b--x\r\n"],
        ),
        (b"before --b\r\n--b\r\n\r\nx\r--b\r\n--b--", [b"x\r--b"]),
    ],
    ids=["bare", "blank", "unlike", "inside"],
)
def test_parts_are_between_delimiters_that_fill_a_line(
    body: bytes, pieces: list[bytes]
) -> None:
    assert [part.encoded for part in walk_parts(MIXED + body)] == pieces


def test_a_multipart_without_its_end_is_read_to_the_end() -> None:
    cut = ALTERNATIVE.partition(b"\r\n--x y\r\nContent-Type: text/html")[0]
    assert read_text(cut) == "plain words"


def nested(depth: int, content: bytes = b"deep") -> bytes:
    layers = [
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(depth)
    ]
    return b"".join(layers) + b"\r\n" + content


def test_deep_nesting_is_read_while_it_is_cheap() -> None:
    assert read_text(nested(29)) == "deep"


def test_no_more_is_read_than_a_few_times_the_message() -> None:
    """What lies deeper is one part, as it stands."""
    raw = nested(29, b"x\r\n" * 500_000)
    (part,) = walk_parts(raw)
    assert part.parameters["boundary"] == f"b{limits.WALKS}"
    assert part.encoded.endswith(b"x\r\n")


def test_a_number_of_many_digits_in_html_is_no_character() -> None:
    assert read_text(HTML + b"a&#" + b"1" * 5_000 + b";b&#98;") == "a\ufffdbb"


@pytest.mark.parametrize(
    "raw",
    [
        nested(10_000),
        MIXED + b"--b\r\n" * 400_000,
        HTML + b"<style" * 300_000,
        HTML + b"<" * 1_000_000,
        HTML + b"<" + b"a" * 1_000_000,
        HTML + b"<a" * 500_000,
        HTML + b"</" * 500_000,
        HTML + b"<a " + b"b=c " * 250_000,
        HTML + b'<a href="' * 100_000,
        HTML + b"<style>" + b"</styl" * 150_000,
        HTML + b"&#" * 500_000,
        HTML + b"&#" + b"1" * 1_000_000,
        b"Content-Type: text/html" + b";" * 30_000 + b"\r\n\r\n",
        nested(29, b"x\r\n" * 4_000_000),
        nested(29, b"\r\n" * 6_000_000),
        nested(29, b"\n--b1x" * 2_000_000),
        nested(1, b"\n--b0" + b" " * 6_000_000 + b"x"),
        MIXED + (b"--b\r\n" + b"X: y\r\n" * 16_000 + b"\r\n") * 300,
        b"Content-Type: multipart/mixed; boundary=" + b"b" * 5_000 + b"\r\n\r\nx",
        MIXED + (b"--b\r\nContent-Type: " + b"(" * 32_000 + b"\r\n\r\n") * 500,
        MIXED + (b"--b\r\nContent-Disposition: " + b"(" * 32_000 + b"\r\n\r\n") * 500,
        b"\r\n" + "\u0315\u0327".encode() * 250_000,
    ],
    ids=[
        *("nesting", "parts", "styles", "angles", "tag", "tags", "ends", "attributes"),
        *("quotes", "style-ends", "references", "number", "semicolons", "nested-lines"),
        *("nested-blanks", "nested-boundaries", "spaces", "headers", "boundary"),
        *("type-comments", "disposition-comments", "accents"),
    ],
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
