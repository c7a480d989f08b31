"""What the operating system refuses, in words: the owner has to do something."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.errors import MaildirUnavailable, PermanentError

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "it is mounted read-only",
    errno.EIO: "the disk fails",
    errno.EACCES: "postroom has no leave to use it",
    errno.EPERM: "postroom has no leave to use it, or the disk has no hard links",
    errno.ENOENT: "something of it is not there",
}
_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR}


@contextmanager
def telling(root: Path) -> Iterator[None]:
    """Raise `MaildirUnavailable` for what goes wrong with the Maildir at `root`."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        words = _WORDS.get(error.errno or 0)
        told = f"{words} ({reason})" if words else reason
        raise MaildirUnavailable(
            f"the Maildir {root} can't be used now: {told}"
        ) from error


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Raise `PermanentError` where the name of a folder is what is wrong."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NAME:
            raise
        reason = os.strerror(error.errno)
        raise PermanentError(
            f"{name} can't be a folder of the Maildir: what is there is none, or it is"
            f" a symbolic link, which is not followed ({reason})"
        ) from error
