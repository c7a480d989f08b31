"""Saving for plugins on this machine: in the folders that their owners named.

What is there is never overwritten, and what is saved twice is there once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from postroom.config.ownplaces import NOTHING, OwnPlaces
from postroom.errors import PermanentError, TemporaryError
from postroom.failpoints import Point, reach
from postroom.mail.filenames import number_name
from postroom.rules.paths import check_root
from postroom.service.folders import (
    NEW,
    READING,
    Modes,
    make_base,
    new_file,
    opened,
    sweep,
    translated,
)
from postroom.transport.maildir.maildir import Letter, Maildir

# So many files of one name are compared, and then there is room for no more.
_MOST_OF_ONE_NAME = 10_000
_CHUNK = 1024**2
_MARK = 32

Result = TypeVar("Result")


@dataclass
class Usage:
    """How many octets there are beneath folders, measured once and when it matters."""

    known: dict[str, int] = field(default_factory=dict)

    def require_room(self, folder: str, octets: int, quota: int | None) -> None:
        """Raise `TemporaryError` where so much more is more than the quota."""
        if quota is None:
            return
        if folder not in self.known or self.known[folder] + octets > quota:
            self.known[folder] = _measure(folder)
        if self.known[folder] + octets > quota:
            raise TemporaryError(
                f"{folder} has no room for {octets} octets more: there are "
                f"{self.known[folder]}, and its quota is {quota}"
            )

    def add(self, folder: str, octets: int) -> None:
        """Note what was written there."""
        if folder in self.known:
            self.known[folder] += octets


@dataclass(frozen=True)
class LocalPlaces:
    """What one plugin may save, under the key of what it performs; `umask` is for all
    that is made. In `own` places nothing is saved, wherever a message would have it."""

    umask: int
    key: str
    usage: Usage = field(default_factory=Usage)
    own: OwnPlaces = NOTHING

    async def write(
        self,
        folder: str,
        levels: Sequence[str],
        name: str,
        content: bytes,
        quota: int | None = None,
    ) -> str:
        """Put this into a new file below the folder, and give its path."""
        check_place(folder, levels, name)

        def work() -> str:
            self._require_open(Path(folder, *levels, name))
            return self._write(Path(folder), levels, name, content, quota)

        return await _worked("/".join([folder, *levels, name]), work)

    async def deliver(
        self,
        maildir: str,
        folder: str,
        content: bytes,
        received: datetime,
        quota: int | None = None,
    ) -> None:
        """Put a message into a folder of a Maildir, once for each key."""
        check_place(maildir)
        # A key may have what stands in no name, such as a colon.
        mark = hashlib.sha256(self.key.encode()).hexdigest()[:_MARK]
        base = f"{int(received.timestamp())}.K{mark}.postroom"
        letter = Letter(base, content, received)

        def work() -> None:
            self._require_open(Path(maildir, "new"), mail=True)
            self.usage.require_room(maildir, len(content), quota)
            there = Maildir(Path(maildir), self.umask)
            there.prepare()
            there.put([letter], folder)
            self.usage.add(maildir, len(content))

        await _worked(maildir, work)

    def _require_open(self, file: Path, *, mail: bool = False) -> None:
        if closed := self.own.holding(file, mail=mail):
            raise PermanentError(f"nothing is saved in {closed}: it is postroom's own")

    @property
    def _modes(self) -> Modes:
        return Modes.under(self.umask)

    def _write(
        self,
        top: Path,
        levels: Sequence[str],
        name: str,
        content: bytes,
        quota: int | None,
    ) -> str:
        make_base(top, self._modes)
        with opened(top, levels, self._modes) as folder:
            sweep(folder)
            place = _find_place(folder, name, content)
            if not place.is_taken:
                self.usage.require_room(str(top), len(content), quota)
                place = self._link(folder, name, content)
                self.usage.add(str(top), len(content))
            os.fsync(folder)
            reach(Point.C13)
        return str(top.joinpath(*levels, place.name))

    def _link(self, folder: int, name: str, content: bytes) -> _Place:
        """Put a new file under the first name that is free: it is not there before it
        is whole, and takes the place of none."""
        with new_file(folder, content, self._modes) as new:
            while not (place := _find_place(folder, name, content)).is_taken:
                try:
                    os.link(new, place.name, src_dir_fd=folder, dst_dir_fd=folder)
                except FileExistsError:
                    continue  # something has come there meanwhile
                break
        return place


@dataclass(frozen=True)
class _Place:
    """A name for a file; `is_taken` by the very same content."""

    name: str
    is_taken: bool


def _find_place(folder: int, name: str, content: bytes) -> _Place:
    """The file of this name, or of one with a number, that has the content; or else the
    first of these names that is free."""
    for number in range(1, _MOST_OF_ONE_NAME + 1):
        numbered = number_name(name, number) if number > 1 else name
        try:
            if _has(folder, numbered, content):
                return _Place(numbered, is_taken=True)
        except FileNotFoundError:
            return _Place(numbered, is_taken=False)
    raise PermanentError(f"there are {_MOST_OF_ONE_NAME} files by the name of {name}")


def _has(folder: int, name: str, content: bytes) -> bool:
    """True if it is a file with this content; no link is followed, nor a pipe read."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
        return False
    with os.fdopen(os.open(name, READING, dir_fd=folder), "rb") as stream:
        rest = memoryview(content)
        while chunk := stream.read(_CHUNK):
            if rest[: len(chunk)] != chunk:
                return False
            rest = rest[len(chunk) :]
    return not rest


def _measure(folder: str) -> int:
    """The octets of all files beneath a folder; none where it is not there yet."""
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # it went meanwhile
                total += os.lstat(os.path.join(inner, name)).st_size
    return total


def check_place(folder: str, levels: Sequence[str] = (), name: str = "x") -> None:
    """Raise `PermanentError` where nothing may be saved, or under no such name."""
    try:
        check_root(folder)
        "".join([folder, *levels, name]).encode()
    except ValueError as error:  # also of what is no Unicode
        raise PermanentError(f"nothing is saved in {folder!r}: {error}") from error
    for each in (*levels, name):
        if {"/", "\0"} & {*each} or each in ("", ".", "..") or each.startswith(NEW):
            raise PermanentError(f"{each!r} is no name for a file or a folder")


async def _worked(place: str, work: Callable[[], Result]) -> Result:
    def done() -> Result:
        with translated(place):
            return work()

    return await asyncio.to_thread(done)
