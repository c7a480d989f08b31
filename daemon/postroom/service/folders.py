"""Folders that are opened level by level, and files that are there whole or not at all.

Every level is opened from the one before it and never through a symbolic link, so that
what a link may be put in place of is never followed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import PermanentError, TemporaryError

LEAF = os.O_NOFOLLOW | os.O_CLOEXEC
MAKING = os.O_WRONLY | os.O_CREAT | LEAF
# A pipe would be waited for; it is no regular file, and refused once it is open.
READING = os.O_RDONLY | os.O_NONBLOCK | LEAF
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PERMISSIONS = 0o777

# What a name is to blame for; anything else may pass: a full disk, one that fails, one
# that its owner has not given to us yet.
_LASTING = {
    *(errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.ENXIO, errno.EINVAL),
}
_NO_FOLDER = (
    "what is there is no folder, or it is a symbolic link, which is not followed"
)
_WORDS = {
    errno.ELOOP: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EACCES: "postroom has no leave to use it",
    errno.EPERM: "postroom has no leave to use it, or the disk has no hard links",
    errno.EROFS: "it is mounted read-only",
}

# A file while it is written; those of another run were left behind by a kill.
NEW = ".new-"
_RUN = f"{NEW}{secrets.token_hex(8)}-"
_LEFT_BEHIND = re.compile(rf"{re.escape(NEW)}[0-9a-f]{{16}}-[0-9a-f]{{16}}")
_swept: set[tuple[int, int]] = set()


@dataclass(frozen=True)
class Modes:
    """The permissions of what is made: of folders and of files, whatever the umask of
    the process is."""

    folder: int = 0o700
    file: int = 0o600

    @classmethod
    def under(cls, umask: int) -> Modes:
        """All that this umask leaves."""
        return cls(0o777 & ~umask, 0o666 & ~umask)


PRIVATE = Modes()


@contextmanager
def opened(
    base: Path, levels: Sequence[str], making: Modes | None = None
) -> Iterator[int]:
    """The folder so many levels below `base`, which may itself be a link, open.

    With `making` the levels that are absent are made.
    """
    folder = os.open(base, _FOLDER)
    try:
        for level in levels:
            inner = _enter(folder, level, making)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def make_base(base: Path, making: Modes) -> None:
    """Make this folder, and what is absent of the ones that it is in."""
    levels = [base, *base.parents]
    absent = [level for level in levels if not level.exists()]
    for level in reversed(absent):
        with opened(level.parent, [level.name], making):
            pass


def _enter(folder: int, name: str, making: Modes | None) -> int:
    if making and _make(folder, name):
        inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        # A folder may give its group to those that are made in it.
        inherited = stat.S_IMODE(os.fstat(inner).st_mode) & ~_PERMISSIONS
        os.fchmod(inner, making.folder | inherited)
        return inner
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def _make(folder: int, name: str) -> bool:
    """Make a folder that only we may enter yet; False if something is there."""
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    os.fsync(folder)
    return True


@contextmanager
def new_file(folder: int, content: bytes, making: Modes = PRIVATE) -> Iterator[str]:
    """The name of a new file with this content, on disk; what is still of that name
    afterwards is removed."""
    name = f"{_RUN}{secrets.token_hex(8)}"
    try:
        number = os.open(name, MAKING | os.O_EXCL, making.file, dir_fd=folder)
        put(number, content, making)
        yield name
    finally:
        with suppress(OSError):  # it was renamed, or there is something worse to tell
            os.unlink(name, dir_fd=folder)


def put(number: int, content: bytes, making: Modes | None = None) -> None:
    """Write everything to a file that is open, have it on disk, and close it."""
    with os.fdopen(number, "wb") as stream:
        require_regular(number)
        if making:
            os.fchmod(number, making.file)
        stream.write(content)
        stream.flush()
        os.fsync(number)


def require_regular(number: int) -> None:
    """Raise `OSError` unless the open file is a regular one."""
    if not stat.S_ISREG(os.fstat(number).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def sweep(folder: int) -> None:
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


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Tells an `OSError` as one of postroom's, about what can't be used."""
    try:
        yield
    except OSError as error:
        lasting = error.errno in _LASTING
        kind = PermanentError if lasting else TemporaryError
        words = _WORDS.get(error.errno or 0)
        told = f"{words} ({error.strerror})" if words else error.strerror
        raise kind(f"{what} can't be used: {told}") from error
