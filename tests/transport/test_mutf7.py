"""Modified UTF-7, as IMAP servers and Maildirs name mailboxes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.transport.mutf7 import decode_leniently, decode_utf7, encode_utf7

VALID = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(VALID)
def test_utf7_comes_back_as_it_was(text: str) -> None:
    encoded = encode_utf7(text)
    assert encoded.isascii()
    assert decode_utf7(encoded) == text


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("Entwürfe", "Entw&APw-rfe"),
        ("a & b", "a &- b"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501
        ("ä&ö", "&AOQ-&-&APY-"),
        ("\t", "&AAk-"),
    ],
)
def test_utf7_is_that_of_the_rfc(text: str, encoded: str) -> None:
    assert encode_utf7(text) == encoded
    assert decode_utf7(encoded) == text


@pytest.mark.parametrize("name", ["&", "&AOQ", "&A-", "&2AA-", "ä"])
def test_what_is_not_utf7_is_left_as_it_is(name: str) -> None:
    assert decode_leniently(name.encode()) == name


@given(st.binary(max_size=40))
def test_any_octets_have_a_text(name: bytes) -> None:
    assert isinstance(decode_leniently(name), str)
