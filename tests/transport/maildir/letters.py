"""Letters for Maildirs, and what lies in one afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.maildir.maildir import Letter, Maildir
from postroom.transport.maildir.names import base

UIDVALIDITY = 77
RECEIVED = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def raw(subject: str) -> bytes:
    """A short message."""
    return f"Subject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHello.\r\n".encode()


def letter(uid: int, octets: bytes | None = None) -> Letter:
    """A message of this UID, whose subject is the UID unless told otherwise."""
    content = raw(str(uid)) if octets is None else octets
    return Letter(base(RECEIVED, uid, UIDVALIDITY), content, RECEIVED)


def letters(uids: Iterable[int]) -> list[Letter]:
    """Short messages of these UIDs."""
    return [letter(uid) for uid in uids]


def prepared(root: Path, umask: int = 0o077) -> Maildir:
    """A Maildir that is ready for mail."""
    maildir = Maildir(root, umask)
    maildir.prepare()
    return maildir


def mailbox(maildir: Maildir, folder: str = "INBOX") -> MaildirMailbox:
    """A folder of it."""
    return MaildirMailbox("home", maildir, folder, UIDVALIDITY)


def files(folder: Path) -> list[Path]:
    """The files in `new` and `cur` of a folder on disk."""
    return sorted([*(folder / "new").iterdir(), *(folder / "cur").iterdir()])


def names(folder: Path) -> list[str]:
    """The files in `new` and `cur` of a folder on disk, as `new/NAME`."""
    return [str(path.relative_to(folder)) for path in files(folder)]


def octets(folder: Path) -> list[bytes]:
    """What the files in `new` and `cur` of a folder on disk hold, as it was sent."""
    return sorted(path.read_bytes().replace(b"\n", b"\r\n") for path in files(folder))


def use(
    root: Path, story: Callable[[Maildir, MaildirMailbox], Awaitable[None]]
) -> None:
    """Tell a story of an INBOX that holds three messages: the UIDs are 1, 2 and 3."""

    async def main() -> None:
        maildir = prepared(root)
        maildir.put(letters([1, 2, 3]))
        await story(maildir, mailbox(maildir))

    asyncio.run(main())
