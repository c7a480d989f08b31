"""Addresses are read from anything, and only plain ones are fit for an envelope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.addresses import (
    Address,
    is_address,
    parse_addresses,
    without_tag,
)


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("ann@example.org", [("", "ann@example.org")]),
        ("Ann <ann@example.org>", [("Ann", "ann@example.org")]),
        ('"Last, First" <a@b.c>, b@b.c', [("Last, First", "a@b.c"), ("", "b@b.c")]),
        (r'"A \"B\" C" <a@b.c>', [('A "B" C', "a@b.c")]),
        ("=?utf-8?q?J=C3=B6rg?= <j@b.c>", [("Jörg", "j@b.c")]),
        ("Jo\u0308rg <jo\u0308rg@b.c>", [("J\xf6rg", "jo\u0308rg@b.c")]),
        ("a@b.c (a (nested) comment)", [("", "a@b.c")]),
        (
            "Friends: a@b.c, b@b.c;, c@b.c",
            [("", "a@b.c"), ("", "b@b.c"), ("", "c@b.c")],
        ),
        ("undisclosed-recipients:;", []),
        ("<@relay,@other:a@b.c>", [("", "a@b.c")]),
        ("", []),
        ("<", []),
        ('"', []),
        ("no address", []),
        ("(c):", []),
        ("a@b.c>evil@x", [("", "a@b.cevil@x")]),
    ],
)
def test_a_field_is_read(value: str, addresses: list[tuple[str, str]]) -> None:
    assert parse_addresses(value) == tuple(Address(*pair) for pair in addresses)


@pytest.mark.parametrize(
    "text",
    [
        "a b@c.d",
        "a@b.c\r\nRCPT TO:<evil@x>",
        "a@b.c\n",
        "<a@b.c>",
        "a@b c",
        "a@",
        "@b.c",
        "a@b@c.d",
        "ä@b.c",
        '"a b"@c.d',
        "a@" + "b" * 64 + ".c",
        "a" * 250 + "@b.c",
        "a@[127.0.0.1]",
    ],
)
def test_what_could_be_more_than_an_address_is_none(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("text", ["a@b", "a.b+c@d-e.example", "x=y@z.org"])
def test_a_plain_address_is_one(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    ("address", "without"),
    [
        ("Ann+Shop@Example.org", "ann@example.org"),
        *(("ann@example.org", "ann@example.org"), ("a+b+c@x.y", "a@x.y")),
        *(("+a@x.y", "+a@x.y"), ("a@x+y.z", "a@x+y.z"), ("", "")),
    ],
)
def test_a_sub_address_is_left_out(address: str, without: str) -> None:
    assert without_tag(address) == without


@given(st.text(max_size=200))
def test_any_text_can_be_read(value: str) -> None:
    for address in parse_addresses(value):
        assert "@" in address.address


def test_a_quotation_mark_in_a_comment_ends_no_field() -> None:
    found = parse_addresses('Ann (5" tall) <ann@x.org>, bob@x.org')
    assert [one.address for one in found] == ["ann@x.org", "bob@x.org"]
