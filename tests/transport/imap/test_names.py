"""The user's `/` and the server's delimiter, prefix and UTF-7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.transport.imap.names import (
    Names,
    decode_leniently,
    decode_utf7,
    encode_utf7,
)

VALID = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
DOTTED = Names(".", "INBOX.", ("user.", "shared."))


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


@given(st.binary(max_size=40))
def test_any_name_of_a_server_has_a_text(name: bytes) -> None:
    decode_leniently(name)
    DOTTED.to_user(name)


@pytest.mark.parametrize("name", ["&", "&AOQ", "&A-", "&2AA-", "ä"])
def test_what_is_not_utf7_is_left_as_it_is(name: str) -> None:
    assert decode_leniently(name.encode()) == name


@pytest.mark.parametrize(
    ("names", "user", "server"),
    [
        (Names("/"), "Invoices/2026", "Invoices/2026"),
        (Names("."), "Invoices/2026", "Invoices.2026"),
        (DOTTED, "Invoices/2026", "INBOX.Invoices.2026"),
        (DOTTED, "INBOX", "INBOX"),
        (DOTTED, "INBOX/Old", "INBOX.Old"),
        (DOTTED, "shared/Team", "shared.Team"),
        (Names("\\"), "A/B", "A\\B"),
    ],
)
def test_names_are_those_of_the_server(names: Names, user: str, server: str) -> None:
    assert names.to_server(user) == server


@pytest.mark.parametrize(
    ("names", "user", "server"),
    [
        (Names("."), "example.com/x", "example_com.x"),
        (DOTTED, "a.b", "INBOX.a_b"),
        (Names(None), "a/b", "a_b"),
        (Names("/"), "inbox", "INBOX"),
        (Names("/"), "Inbox/x", "INBOX/x"),
    ],
)
def test_a_value_can_not_leave_its_place(names: Names, user: str, server: str) -> None:
    assert names.to_server(user) == server


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "a//b", "/a", "a/", "a\r\nA1 DELETE b", "a\x00", "a\x1b[2J"),
        *("\x85", "\u2028", "\ud800", "x" * 1_001, "ä" * 900),
    ],
)
def test_a_name_that_can_not_be_one_is_refused(name: str) -> None:
    with pytest.raises(PermanentError):
        Names("/").to_server(name)


@pytest.mark.parametrize(
    ("names", "server", "user"),
    [
        (DOTTED, b"INBOX.Entw&APw-rfe.2026", "Entwürfe/2026"),
        (DOTTED, b"inbox", "INBOX"),
        (Names("."), b"a/b.c", "a_b/c"),
        (Names("/"), b"[Gmail]/Trash", "[Gmail]/Trash"),
        (Names("/"), b"Entw\xc3\xbcrfe", "Entwürfe"),
    ],
)
def test_names_of_the_server_are_told_to_the_user(
    names: Names, server: bytes, user: str
) -> None:
    assert names.to_user(server) == user


@given(
    st.lists(st.text("ab.Ä &台\"'()*%", min_size=1, max_size=5), min_size=1, max_size=4)
)
def test_a_name_is_the_same_on_its_way_back(parts: list[str]) -> None:
    name = "/".join(parts)
    assert Names("/").to_user(Names("/").to_server(name).encode()) == name
