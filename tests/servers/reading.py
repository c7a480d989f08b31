"""What a mailbox holds, as a mail client that is not postroom sees it."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Stored(NamedTuple):
    """A message as it lies on the server; `\\Recent` is left out of its flags."""

    flags: frozenset[str]
    raw: bytes


@contextmanager
def logged_in(
    host: str, port: int, user: str, password: str
) -> Iterator[imaplib.IMAP4]:
    """A plain connection of a mail client, logged in until the end of the block."""
    with imaplib.IMAP4(host, port, timeout=30) as client:
        client.login(user, password)
        yield client


def mailboxes(client: imaplib.IMAP4) -> dict[str, list[Stored]]:
    """All messages by mailbox, in the order of UIDs; reading sets no flag."""
    return {decoded(name): _messages(client, name) for name in _names(client)}


def checked(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    """The data of an answer that must be OK."""
    status, data = answer
    if status != "OK":
        raise AssertionError(f"the server said {status}: {data!r}")
    return data


def _names(client: imaplib.IMAP4) -> list[str]:
    """The mailboxes that can hold messages: a mere parent (`\\Noselect`) can't."""
    lines = [line for line in checked(client.list()) if isinstance(line, bytes)]
    places = [re.split(' "[/.]" ', line.decode("ascii"), maxsplit=1) for line in lines]
    return [name.strip('"') for flags, name in places if r"\Noselect" not in flags]


def _messages(client: imaplib.IMAP4, name: str) -> list[Stored]:
    checked(client.select(f'"{name}"', readonly=True))
    data = checked(client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])"))
    return [_stored(item) for item in data if isinstance(item, tuple)]


def _stored(item: tuple[bytes, bytes]) -> Stored:
    flags = imaplib.ParseFlags(item[0])
    names = {flag.decode("ascii") for flag in flags} - {r"\Recent"}
    return Stored(frozenset(names), item[1])


def decoded(name: str) -> str:
    """A mailbox name out of modified UTF-7 (RFC 3501, section 5.1.3)."""
    return re.sub("&([^-]*)-", lambda found: _shifted(found[1]), name)


def _shifted(base64: str) -> str:
    if not base64:
        return "&"
    return f"+{base64.replace(',', '/')}-".encode("ascii").decode("utf-7")
