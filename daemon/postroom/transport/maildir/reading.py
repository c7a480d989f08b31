"""Messages as files tell of them: the header without the body, or all of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.mail.header import Header, find_blank_line
from postroom.mail.message import Message, MessageKey
from postroom.transport.maildir.flags import flags_of
from postroom.transport.maildir.folder import Entry, Folder
from postroom.transport.maildir.lines import to_crlf
from postroom.transport.maildir.names import letters_of, size_of

# Many headers are held at a time: of one that is longer only the beginning, as over
# IMAP, so that strangers can't fill the memory. One octet more tells which are.
_LONG = 32 * 1024
_PIECE = 1024 * 1024

_PIECE = 256 * 1024

_EPOCH = datetime.fromtimestamp(0, UTC)
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Place:
    """A mailbox as messages are named after it."""

    account: str
    mailbox: str
    uidvalidity: int

    def message(self, folder: Folder, uid: int, entry: Entry) -> Message | None:
        """The message of this file at depth headers; None if it is no regular file."""
        with _regular(folder, entry) as number:
            if number is None:
                return None
            status = os.fstat(number)
            head = os.read(number, _LONG + 1)
        end = find_blank_line(head)
        header = to_crlf(head[: end.end()] if end else head)
        size = size_of(entry.name)
        return Message(
            key=MessageKey(self.account, self.mailbox, self.uidvalidity, uid),
            size=status.st_size if size is None else size,
            received=_arrival(status),
            flags=flags_of(letters_of(entry.name)),
            header=Header.parse(header[:_LONG]),
            excerpt=len(header) > _LONG,
        )


def content(folder: Folder, _: int, entry: Entry) -> bytes | None:
    """The octets of the message of this file; None if it is no regular file."""
    with _regular(folder, entry) as number:
        if number is None:
            return None
        return to_crlf(b"".join(iter(lambda: os.read(number, _PIECE), b"")))


def digest(folder: Folder, _: int, entry: Entry) -> str | None:
    """The SHA-256, in hex, of the octets of the message of this file; None if it is no
    regular file."""
    with _regular(folder, entry) as number:
        if number is None:
            return None
        found = hashlib.sha256()
        while piece := os.read(number, _PIECE):
            found.update(to_crlf(piece))
        return found.hexdigest()


@contextmanager
def _regular(folder: Folder, entry: Entry) -> Iterator[int | None]:
    """A descriptor to read a file by; None if it is something else."""
    if not stat.S_ISREG(folder.status(entry).st_mode):
        yield None
        return
    with folder.reading(entry) as number:
        yield number


def _arrival(status: os.stat_result) -> datetime:
    # Any program may set any time, also one that no calendar has.
    microseconds = min(max(0, status.st_mtime_ns // 1000), _LATEST)
    return _EPOCH + timedelta(microseconds=microseconds)
