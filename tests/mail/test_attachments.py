"""The names of attachments, however their writers encoded them."""

from __future__ import annotations

import base64
import email.policy
import time
import unicodedata
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.attachments import attachment_names, read_attachments
from postroom.mail.body import read_text
from postroom.mail.forward import compose_forward
from postroom.mail.parameters import read_parameters
from tests.builders import NOW, OWNER, make_message

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def name_of(*lines: str) -> str:
    """The one name in a message with a part that has these lines as its header."""
    part = "".join(f"{line}\r\n" for line in lines).encode()
    (name,) = attachment_names(MIXED + b"--b\r\n" + part + b"\r\nx\r\n--b--\r\n")
    return name


def disposition(parameters: str) -> str:
    return name_of(f"Content-Disposition: attachment; {parameters}")


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename=a.pdf", "a.pdf"),
        ('FileName="a b.pdf"', "a b.pdf"),
        ("filename=a b.pdf; size=3", "a b.pdf"),
        ('filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ('filename="a\\""', 'a"'),
        ('filename="a;b=c.pdf"', "a;b=c.pdf"),
        ("filename=report (1).pdf", "report (1).pdf"),
        ('\r\n\tfilename="folded.pdf"', "folded.pdf"),
        ("filename*=utf-8'en'%e2%82%ac.pdf", "€.pdf"),
        ("filename*=iso-8859-1''f%FCnf.pdf", "fünf.pdf"),
        ("filename*=no-charset''f%C3%BCnf.pdf", "fünf.pdf"),
        ("filename*=plain.pdf", "plain.pdf"),
        ('filename*0="a "; filename*1=b.pdf', "a b.pdf"),
        ("filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.%70df", "ü.%70df"),
        ("filename*0=a; filename*2=c", "a"),
        ("filename*00=a; filename*01=b.pdf; filename*002=c", "ab.pdfc"),
        ("filename*00*=utf-8''%C3; filename*01*=%BC", "ü"),
        ("(c) filename=a.pdf", "a.pdf"),
        ('size=3 ; (a;b) (c)\r\n filename (d) = "a.pdf"', "a.pdf"),
        ('(filename="x.pdf") filename=a.pdf', "a.pdf"),
        ("filename=re\u0301union.pdf", "r\xe9union.pdf"),
        ("filename*=utf-8''e%CC%81.pdf", "\xe9.pdf"),
        ("filename=x.txt; filename*=utf-8''a.pdf", "a.pdf"),
        ("filename=x.txt; filename*5=lost", "x.txt"),
        ('filename="=?utf-8?q?f=C3=BCnf=2Epdf?="', "fünf.pdf"),
        ('filename="=?utf-8?b?ZsO8?=\r\n =?utf-8?b?bmYucGRm?="', "fünf.pdf"),
        ('filename="fünf.pdf"', "fünf.pdf"),
        ('filename="a\u2028b.pdf"', "a b.pdf"),
        ("filename*=utf-8''a%0D%0Ab.pdf", "a b.pdf"),
        ('filename="=?utf-8?q?a=0D=0Ab.pdf?="', "a b.pdf"),
        ("filename=", ""),
        ("size=3", ""),
    ],
)
def test_a_file_name_is_decoded(parameters: str, name: str) -> None:
    assert disposition(parameters) == name


def test_the_name_in_the_content_type_stands_in() -> None:
    typed = 'Content-Type: application/pdf; name="=?utf-8?q?=E2=82=AC.pdf?="'
    assert name_of(typed) == "€.pdf"
    assert name_of(typed, "Content-Disposition: attachment") == "€.pdf"
    assert name_of(typed, "Content-Disposition: inline; filename=b.pdf") == "b.pdf"


def test_a_second_disposition_hides_no_name() -> None:
    inline = "Content-Disposition: inline"
    named = "Content-Disposition: attachment; filename=a.pdf"
    assert name_of(inline, named) == name_of(named, inline) == "a.pdf"
    assert name_of(inline, 'Content-Disposition: (x) "Attachment"') == ""


def enclose(raw: bytes, name: str = "") -> bytes:
    """A message with this one inside."""
    head = f"Content-Type: message/rfc822; name={name}\r\n\r\n".encode()
    return MIXED + b"--b\r\n" + head + raw + b"\r\n--b--\r\n"


def test_the_attachments_of_a_message_inside_are_listed() -> None:
    scan = b"Content-Type: application/pdf; name=scan.pdf\r\n\r\nx"
    assert attachment_names(enclose(scan)) == ("scan.pdf",)
    inside = enclose(scan, "mail.eml").replace(b"=b", b"=c").replace(b"--b", b"--c")
    assert attachment_names(enclose(inside)) == ("mail.eml", "scan.pdf")
    attached = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n"
    encoded = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(scan)
    assert attachment_names(attached + encoded) == ("", "scan.pdf")


def test_the_attachments_of_what_postroom_forwards_are_listed() -> None:
    original = make_message(enclose(b"Content-Type: a/b; name=scan.pdf\r\n\r\nx"))
    forwarded = compose_forward(original, ["bob@x.org"], OWNER, "key", NOW)
    assert attachment_names(forwarded.content) == ("scan.pdf",)


def test_the_text_of_a_message_inside_is_not_that_of_the_message() -> None:
    assert read_text(enclose(b"\r\ninner")) == ""


def test_a_part_is_an_attachment_by_its_mark_or_its_name() -> None:
    parts = [
        b"\r\ntext",
        b"Content-Disposition: inline\r\n\r\ntext",
        b"Content-Disposition: Attachment\r\n\r\nnameless",
        b"Content-Type: image/png; name=a.png\r\nContent-Disposition: inline\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inside",
    ]
    raw = MIXED + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    assert attachment_names(raw) == ("", "a.png")


def test_a_message_that_is_nothing_but_a_file_has_an_attachment() -> None:
    raw = b"Content-Type: application/pdf; name=scan.pdf\r\n\r\nx"
    assert attachment_names(raw) == ("scan.pdf",)
    assert attachment_names(b"Subject: a.pdf\r\n\r\nbegin 644 a.pdf") == ()


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)))
def test_the_names_that_others_write_are_read(names: list[str]) -> None:
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content("Hello")
    for name in names:
        message.add_attachment(b"x", "application", "pdf", filename=name)
    composed = tuple(unicodedata.normalize("NFC", name) for name in names)
    assert attachment_names(bytes(message)) == composed


HEAD = b"Content-Disposition: attachment"


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"; filename*%d=x" % 7 * 4_000,
        HEAD + b"".join(b"; filename*%d*=%%41" % n for n in range(2_000)),
        HEAD + b';a="' * 100_000,
        HEAD + b';a="' + b"\\" * 500_000,
        HEAD + b"; " * 500_000,
        HEAD + b";" + b" " * 500_000,
        HEAD + b";a" + b" " * 500_000,
        HEAD + b"; filename*=" + b"'" * 30_000,
        HEAD + b"; filename*=''" + b"%" * 30_000,
        HEAD + b'; filename="' + b"=?utf-8?q?a?=" * 2_400 + b'"',
        MIXED + (b"--b\r\n" + HEAD + b';a="' * 8_000 + b"\r\n\r\n") * 1_000,
        MIXED + (b"--b\r\n" + HEAD + b";a=b" * 8_000 + b"\r\n\r\n") * 1_000,
        b"Content-Type: " + b"(" * 1_000_000,
        b"Content-Type: multipart/mixed; boundary=" + b"'" * 30_000,
        HEAD + b";(a)" * 8_000,
        HEAD + b";" + b"(a)" * 10_000,
        HEAD + b";(" * 16_000,
        HEAD + b";a" + b"()" * 16_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 400_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 30 + b"x" * 20_000_000,
        MIXED + (b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + HEAD) * 100_000,
    ],
    ids=[
        *("pieces", "many-pieces", "quotes", "backslashes", "semicolons", "spaces"),
        *("spaces-behind", "apostrophes", "percents", "words", "parts", "parameters"),
        *("comments", "boundary", "comment-ends", "many-comments", "open-comments"),
        *("comments-behind", "messages", "large-messages", "many-messages"),
    ],
)
def test_hostile_names_take_no_time(raw: bytes) -> None:
    begun = time.process_time()
    attachment_names(raw + b"\r\n\r\nx")
    assert time.process_time() - begun < 2


@given(st.binary(max_size=300))
def test_any_octets_are_read(octets: bytes) -> None:
    for head in (
        HEAD + b"; filename",
        b"Content-Type: a/b; name*0",
        MIXED + b"--b\r\n",
    ):
        names = attachment_names(head + octets)
        assert all(name == " ".join(name.splitlines()) for name in names)


@given(st.text(max_size=300))
def test_any_parameters_are_read(value: str) -> None:
    for text in (value, f"a; b={value}", f'a; b*0*="{value}"; b*1={value}'):
        assert all(isinstance(given, str) for given in read_parameters(text).values())


@given(
    st.sampled_from([b"base64", b"quoted-printable", b"8bit", b"x"]),
    st.binary(max_size=300),
    st.integers(0, 300),
)
def test_any_attachment_is_decoded_within_its_limit(
    encoding: bytes, body: bytes, largest: int
) -> None:
    head = HEAD + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    (attachment,) = read_attachments(head + body)
    whole = attachment.read(10_000)
    assert whole is not None
    assert attachment.read(len(body)) == whole
    read = attachment.read(largest)
    assert read is None if len(whole) > largest else read in (whole, None)
