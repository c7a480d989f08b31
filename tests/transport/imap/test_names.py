"""The user's `/` and the server's delimiter, prefix and UTF-7."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.transport.imap.names import (
    Names,
    to_octets,
    to_text,
)

VALID = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
DOTTED = Names(".", "INBOX.", ("user.", "shared."))
SLASHED = Names("/", "", ("user/", "Public Folders/Lists/"))
TOLD = Names("/", utf8=True)

# What users and servers really have, and what tests of clients have found.
NASTY = [
    *('a"b', "a\\b", "\\", '"', "[Gmail]", "]", "a*b", "%", "*", "a & b", "&", "&-"),
    *("&AOQ-", " a", "a ", "  ", "a{5}", "{5}", "(a)", "~", "#news", "NIL", ",", "'"),
    *("Entwürfe", "台北", "日本語", "😀", "é", "\u202eevil", "a\xa0b", "\u0131", "ﬁ"),
    *("..", ".", "-", "+", "INBOX ", "INBOXES", "x" * 300, "ö" * 200, "LOGOUT"),
]
SERVERS = [
    *(Names("/"), Names("."), Names("\\"), Names(None), Names("^")),
    *(DOTTED, SLASHED, TOLD, Names("/", "INBOX/"), Names(".", "INBOX.", utf8=True)),
]


@given(st.binary(max_size=40), st.sampled_from(SERVERS))
def test_any_name_of_a_server_has_a_text(name: bytes, names: Names) -> None:
    names.to_user(name)
    assert to_octets(to_text(name)) == name


@pytest.mark.parametrize(
    ("names", "user", "server"),
    [
        (Names("/"), "Invoices/2026", "Invoices/2026"),
        (Names("."), "Invoices/2026", "Invoices.2026"),
        (DOTTED, "Invoices/2026", "INBOX.Invoices.2026"),
        (DOTTED, "INBOX", "INBOX"),
        (DOTTED, "INBOX/INBOX", "INBOX.INBOX"),
        (DOTTED, "INBOXES", "INBOX.INBOXES"),
        (DOTTED, "shared/Team", "shared.Team"),
        (DOTTED, "shared", "shared"),
        (DOTTED, "users", "INBOX.users"),
        (SLASHED, "user/bob/Sent", "user/bob/Sent"),
        (
            Names("/", "mine/", ("Public Folders/Lists/",)),
            "Public Folders/Lists/x",
            "Public Folders/Lists/x",
        ),
        (
            Names("/", "mine/", ("Public Folders/Lists/",)),
            "Public Folders/x",
            "mine/Public Folders/x",
        ),
        (Names("/", "mine/", ("~",)), "~fred/x", "~fred/x"),
        (Names("/", "", ("Ge&APY-ffnet/",)), "Geöffnet/x", "Ge&APY-ffnet/x"),
        (Names("/", "m/", ("Ge&APY-ffnet/",)), "Geöffnet/x", "Ge&APY-ffnet/x"),
        (Names("\\"), "A/B", "A\\B"),
        (TOLD, "Entwürfe & Co", "Entwürfe & Co"),
    ],
)
def test_names_are_those_of_the_server(names: Names, user: str, server: str) -> None:
    assert names.to_server(user) == server
    assert names.to_user(to_octets(server)) == user


@pytest.mark.parametrize(
    ("names", "user", "server"),
    [
        (Names("."), "example.com/x", "example_com.x"),
        (DOTTED, "a.b", "INBOX.a_b"),
        (Names(None), "a/b", "a_b"),
        (Names("\\"), "a\\b", "a_b"),
        (Names("/"), "inbox", "INBOX"),
        (Names("/"), "Inbox/x", "INBOX/x"),
        (DOTTED, "Inbox/x", "INBOX.x"),
        (DOTTED, "INBOX/Old", "INBOX.Old"),
        (Names("/"), "x/inbox", "x/inbox"),
        (Names("/"), "\u0131nbox", "&ATE-nbox"),  # its upper case is INBOX
    ],
)
def test_a_value_can_not_leave_its_place(names: Names, user: str, server: str) -> None:
    assert names.to_server(user) == server


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *((name, "level") for name in ("", "/", "a//b", "/a", "a/")),
        *((name, "printed") for name in ("a\r\nA1 DELETE b", "a\x00", "a\x1b[2J")),
        *((name, "printed") for name in ("\x7f", "\x85", "\u2028", "\u2029", "\ud800")),
        *((name, "too long") for name in ("x" * 1_001, "ä" * 900, "a/" * 600 + "b")),
    ],
)
def test_a_name_that_can_not_be_one_is_refused_and_told_why(
    name: str, why: str
) -> None:
    for names in SERVERS:
        with pytest.raises(PermanentError, match=why) as raised:
            names.to_server(name)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("names", "server", "user"),
    [
        (DOTTED, b"INBOX.Entw&APw-rfe.2026", "Entwürfe/2026"),
        (DOTTED, b"inbox", "INBOX"),
        (DOTTED, b"INBOX.INBOX", "INBOX/INBOX"),
        (DOTTED, b"INBOX.INBOX.x", "INBOX/INBOX/x"),
        (DOTTED, b"INBOX.user.x", "INBOX/user/x"),
        (DOTTED, b"INBOX.", "INBOX/"),
        (DOTTED, b"Public", "Public"),
        (Names("."), b"a/b.c", "a_b/c"),
        (Names(None), b"a/b", "a_b"),
        (Names("/"), b"[Gmail]/Trash", "[Gmail]/Trash"),
        (Names("/"), b"Inbox/x", "INBOX/x"),
        (Names("/"), b"Entw\xc3\xbcrfe", "Entwürfe"),
        (Names("/"), b"Entwu&Awg-rfe", "Entwürfe"),  # decomposed
        (Names("/"), b"&AOQ-&APY-", "äö"),  # two runs where there should be one
        (TOLD, b"R&D &AOQ-", "R&D &AOQ-"),
    ],
)
def test_names_of_the_server_are_told_to_the_user(
    names: Names, server: bytes, user: str
) -> None:
    assert names.to_user(server) == user


@pytest.mark.parametrize("names", SERVERS)
@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_comes_back_as_it_was(names: Names, name: str) -> None:
    """But for the server's delimiter, which no user's name can hold."""
    for path in (name, f"a/{name}", f"{name}/b"):
        expected = path
        if names.delimiter != "/":
            expected = path.replace(names.delimiter or "/", "_")
        written = names.to_server(path)
        assert names.to_user(to_octets(written)) == expected
        assert names.to_server(expected) == written


LEVEL = st.text("ab.Ä &台\"'()*%{}[]\\ \u0308é", min_size=1, max_size=5)


@given(st.lists(LEVEL, min_size=1, max_size=4), st.sampled_from(SERVERS))
def test_a_name_is_the_same_on_its_way_back(parts: list[str], names: Names) -> None:
    first = names.to_user(to_octets(names.to_server("/".join(parts))))
    assert names.to_user(to_octets(names.to_server(first))) == first
    if names.delimiter == "/":
        assert first == unicodedata.normalize("NFC", "/".join(parts))


@given(st.lists(LEVEL, min_size=1, max_size=4))
def test_both_ways_to_write_an_accent_are_one_name(parts: list[str]) -> None:
    forms = (unicodedata.normalize(form, "/".join(parts)) for form in ("NFC", "NFD"))
    assert len({Names("/").to_server(form) for form in forms}) == 1


def test_a_name_below_a_mailbox_of_raw_octets_keeps_these() -> None:
    written = Names(".").below(b"Entw\xfcrfe", "2026/a.b ö")
    assert to_octets(written) == b"Entw\xfcrfe.2026.a_b &APY-"
    with pytest.raises(PermanentError, match="too long"):
        Names(".").below(b"Entw\xfcrfe", "x" * 1_000)


def test_only_in_the_users_own_namespace_is_a_mailbox_made() -> None:
    for own in (b"INBOX.a", b"INBOX", b"Inbox.a"):
        assert DOTTED.owns(own)
    for other in (b"user.bob", b"user", b"a", b"INBOXES.a"):
        assert not DOTTED.owns(other)
    assert not SLASHED.owns(b"user")
    assert SLASHED.owns(b"users")


def test_what_others_share_is_known_by_its_prefix() -> None:
    assert DOTTED.shares(b"user.bob.Trash")
    assert not DOTTED.shares(b"INBOX.user")
    assert not Names("/").shares(b"anything")
