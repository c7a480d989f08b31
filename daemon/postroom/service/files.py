"""The files of plugins: each has a folder of its own, and no name leads out of it.

Every part of a path is opened from the one before it and never through a symbolic
link, so that what a link may be put in place of is never followed.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from postroom.errors import PermanentError, TemporaryError

LARGEST = 16 * 1024**2
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LEAF = os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would be waited for; it is no regular file, and refused once it is open.
_READING = os.O_RDONLY | os.O_NONBLOCK | _LEAF
_MAKING = os.O_WRONLY | os.O_CREAT | _LEAF

# What a name is to blame for; anything else may pass: a full disk, one that fails.
_LASTING = {
    *(errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.EACCES, errno.EPERM, errno.ENXIO, errno.EINVAL),
}

# A file while it is written; those of another run were left behind by a kill.
_NEW = ".new-"
_RUN = f"{_NEW}{secrets.token_hex(8)}-"
_LEFT_BEHIND = re.compile(rf"{re.escape(_NEW)}[0-9a-f]{{16}}-[0-9a-f]{{16}}")
_swept: set[tuple[int, int]] = set()

Result = TypeVar("Result")


@dataclass(frozen=True)
class PluginFiles:
    """The files of one plugin beneath `state`; its folder is made on the first write,
    for nobody but the daemon's user."""

    state: Path
    plugin: str

    async def read(self, name: str) -> bytes | None:
        """What is in a file, at most 16 MiB; None if there is none."""
        return await self._work(name, self._read)

    async def write(self, name: str, content: bytes) -> None:
        """Put this into a file, all or nothing, and on disk when it returns."""
        _require_room(len(content), name)
        await self._work(name, lambda parts: self._write(parts, content))

    async def append(self, name: str, content: bytes) -> None:
        """Add this to the end of a file, on disk when it returns."""
        await self._work(name, lambda parts: self._append(parts, content))

    async def _work(self, name: str, work: Callable[[list[str]], Result]) -> Result:
        parts = ["plugins", *split_name(self.plugin), *split_name(name)]

        def translated() -> Result:
            with _translated(name):
                return work(parts)

        return await asyncio.to_thread(translated)

    def _read(self, parts: Sequence[str]) -> bytes | None:
        try:
            with self._folder(parts[:-1]) as folder:
                number = os.open(parts[-1], _READING, dir_fd=folder)
        except FileNotFoundError:
            return None
        with os.fdopen(number, "rb") as stream:
            _require_regular(number)
            content = stream.read(LARGEST + 1)
        _require_room(len(content), parts[-1])
        return content

    def _write(self, parts: Sequence[str], content: bytes) -> None:
        with self._folder(parts[:-1], make=True) as folder:
            _sweep(folder)
            new = f"{_RUN}{secrets.token_hex(8)}"
            try:
                number = os.open(new, _MAKING | os.O_EXCL, 0o600, dir_fd=folder)
                _put(number, content)
                os.rename(new, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with suppress(OSError):
                    os.unlink(new, dir_fd=folder)
                raise
            os.fsync(folder)

    def _append(self, parts: Sequence[str], content: bytes) -> None:
        with self._folder(parts[:-1], make=True) as folder:
            flags = _MAKING | os.O_APPEND | os.O_NONBLOCK
            number = os.open(parts[-1], flags, 0o600, dir_fd=folder)
            _put(number, content)
            os.fsync(folder)

    @contextmanager
    def _folder(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The folder at the end of these parts, open; `state` itself may be a link."""
        folder = os.open(self.state, _FOLDER)
        try:
            for part in parts:
                inner = _enter(folder, part, make)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _enter(folder: int, name: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
            os.fsync(folder)
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def _sweep(folder: int) -> None:
    """Remove what earlier runs were writing here when they were killed, once a run."""
    status = os.fstat(folder)
    place = status.st_dev, status.st_ino
    if place in _swept:
        return
    _swept.add(place)
    for name in os.listdir(folder):
        if _LEFT_BEHIND.fullmatch(name) and not name.startswith(_RUN):
            with suppress(FileNotFoundError):  # another thread did so
                os.unlink(name, dir_fd=folder)


def _put(number: int, content: bytes) -> None:
    """Write everything to a file that is open, have it on disk, and close it."""
    with os.fdopen(number, "wb") as stream:
        _require_regular(number)
        stream.write(content)
        stream.flush()
        os.fsync(number)


def split_name(name: str) -> list[str]:
    """The parts of a file's name; raises `PermanentError` if it is none."""
    parts = name.split("/")
    if not name.isprintable() or not all(map(_is_part, parts)):
        raise PermanentError(
            f"{name!r} is no name for a file: expected one such as "
            f"{str(PurePosixPath('notes', 'seen.txt'))!r}, inside the plugin's folder"
        )
    return parts


def _is_part(part: str) -> bool:
    return part not in ("", ".", "..") and not part.startswith(_NEW)


def _require_regular(number: int) -> None:
    if not stat.S_ISREG(os.fstat(number).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _require_room(size: int, name: str) -> None:
    if size > LARGEST:
        raise PermanentError(f"{name} is larger than {LARGEST // 1024**2} MiB")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        lasting = error.errno in _LASTING
        kind = PermanentError if lasting else TemporaryError
        raise kind(f"the file {name} can't be used: {error.strerror}") from error
