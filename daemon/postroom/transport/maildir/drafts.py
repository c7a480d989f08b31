"""Files in `tmp/` while they are written: on disk as a whole before they get a name.

Their names are of a kind of our own. Those of another run were left behind by a kill.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from postroom.transport.maildir.folder import reading
from postroom.transport.maildir.lines import Unwinding

_KIND = "postroom-draft-"
_RUN = f"{_KIND}{secrets.token_hex(8)}-"
_ANY_RUN = re.compile(rf"{_KIND}[0-9a-f]{{16}}-[0-9]+")
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)

_numbers = count()


class Unfinished:
    """A file that is written; whoever made it discards it in the end."""

    def __init__(self, tmp: int) -> None:
        self._tmp = tmp
        self._name = f"{_RUN}{next(_numbers)}"
        self._lines = Unwinding()
        self._file: int | None = os.open(self._name, _MAKING, 0o600, dir_fd=tmp)

    def write(self, octets: bytes) -> None:
        """Add these octets of the message; lines end with CRLF."""
        self._put(self._lines.feed(octets))

    def seal(self, received: datetime, umask: int) -> None:
        """End it; nothing more is written."""
        self._put(self._lines.end())
        os.fchmod(self._number, 0o666 & ~umask)
        arrival = (received - _EPOCH) // _MICROSECOND * 1000
        os.utime(self._number, ns=(arrival, arrival))

    def sync(self) -> None:
        """Have all of it on disk."""
        os.fsync(self._number)
        self._close()

    @property
    def suffix(self) -> str:
        """What the name of the file tells of its size."""
        return self._lines.suffix

    def link(self, folder: int, name: str) -> None:
        """Give it this name as well; raises `FileExistsError` where it is taken."""
        os.link(
            self._name,
            name,
            src_dir_fd=self._tmp,
            dst_dir_fd=folder,
            follow_symlinks=False,
        )

    def reading(self) -> AbstractContextManager[int]:
        """A descriptor to read it by, until the end of the block."""
        return reading(self._name, self._tmp)

    def discard(self) -> None:
        """Remove it from `tmp/`."""
        self._close()
        # What can't be removed now is removed when the Maildir is prepared next.
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._tmp)

    @property
    def _number(self) -> int:
        if self._file is None:
            raise RuntimeError("a draft that is closed is not written to")
        return self._file

    def _put(self, octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[os.write(self._number, rest) :]

    def _close(self) -> None:
        number, self._file = self._file, None
        if number is not None:
            os.close(number)


def remove_left_behind(tmp: int) -> None:
    """Remove the drafts of runs that were killed, and nothing else."""
    for name in os.listdir(tmp):
        if _ANY_RUN.fullmatch(name) and not name.startswith(_RUN):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=tmp)
