"""Whose a Maildir is: a file in it tells the UIDVALIDITY of the account's UIDs.

By it a Maildir is found again that was renamed, or was to be.
"""

from __future__ import annotations

import os
from pathlib import Path

from postroom.transport.maildir.troubles import telling

_NAME = "postroom-uidvalidity"
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST = 20


def read_mark(root: Path) -> int | None:
    """The UIDVALIDITY that the Maildir at `root` has; None if it tells none."""
    try:
        number = os.open(root / _NAME, _READING)
    except OSError:
        return None
    try:
        text = os.read(number, _LONGEST).strip()
    except OSError:
        return None
    finally:
        os.close(number)
    return int(text) if text.isdigit() else None


def write_mark(root: Path, uidvalidity: int) -> None:
    """Have the Maildir tell this; raises `MaildirUnavailable`."""
    if read_mark(root) == uidvalidity:
        return
    with telling(root):
        number = os.open(root / _NAME, _MAKING, 0o600)
        with os.fdopen(number, "wb") as stream:
            stream.write(b"%d\n" % uidvalidity)
            stream.flush()
            os.fsync(number)
