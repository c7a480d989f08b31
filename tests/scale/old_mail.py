"""Very many old messages in an INBOX, and UIDs that begin anew."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

from tests.servers.dovecot import DovecotServer
from tests.servers.reading import checked

# Each is a batch of its own, so that in no batch there are two alike.
_DIFFERENT = 1000
_RECEIVED = datetime(2020, 2, 3, tzinfo=UTC).timestamp()


def padding(lines: int) -> bytes:
    """A header field of so many lines of 74 octets: headers of real mail are long."""
    return b"X-Padding: " + b"\r\n ".join([b"p" * 71] * lines) + b"\r\n"


def make_letter(number: int) -> bytes:
    """A letter that the rules of the end-to-end tests would forward and move."""
    fields = (
        f"From: ann@friends.example\r\nTo: me@dovecot.test\r\nSubject: Invoice\r\n"
        f"Message-ID: <{number}@old.example>\r\n"
    )
    return padding(14) + fields.encode() + b"\r\nHello.\r\n"


def lay_old_mail(dovecot: DovecotServer, user: str, count: int) -> None:
    """Fill a user's INBOX with messages of years ago, indexed by the server."""
    dovecot.backlog(user, map(make_letter, range(min(count, _DIFFERENT))))
    folder = _maildir(dovecot, user) / "new"
    letters = sorted(folder.iterdir())
    for letter in letters:
        os.utime(letter, (_RECEIVED, _RECEIVED))  # Dovecot's INTERNALDATE
    again = itertools.cycle(letters)
    for number in range(len(letters), count):
        letter = next(again)
        os.link(letter, letter.with_name(f"{letter.name}-{number}"))
    assert count_messages(dovecot, user) == count


def number_anew(dovecot: DovecotServer, user: str) -> None:
    """Give the user's INBOX another UIDVALIDITY; nobody may be connected to it."""
    maildir = _maildir(dovecot, user)
    for path in [maildir / "dovecot-uidlist", *maildir.glob("dovecot.index*")]:
        path.unlink()
    count_messages(dovecot, user)


def count_messages(dovecot: DovecotServer, user: str) -> int:
    """How many messages the INBOX holds."""
    with dovecot.client(user) as client:
        (count,) = checked(client.select(readonly=True))
    assert isinstance(count, bytes)
    return int(count)


def _maildir(dovecot: DovecotServer, user: str) -> Path:
    return dovecot.home / "mail" / user / "Maildir"
