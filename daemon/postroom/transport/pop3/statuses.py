"""The first line of an answer: it worked, it did not, or more is wanted."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from dataclasses import dataclass, field

from postroom.errors import TemporaryError
from postroom.log import printable

# So many characters of what a server says for people are shown, and looked at.
_SHOWN = 200

# RFC 1939, section 3: in upper case. A control character belongs to another line.
_STATUS = re.compile(rb"(\+OK|-ERR)(?![A-Za-z0-9])([^\r\n\0]*)")
_CODE = re.compile(r"\[([^\[\]]+)\]")  # RFC 2449, section 8


@dataclass(frozen=True)
class Status:
    """The first line of an answer."""

    ok: bool
    said: bytes = field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """What the server said for people, fit for a log and for the store: shortened,
        without control characters, and without the secrets that it was told."""
        # Redacted before it is cut: a part of a secret is not recognised as one.
        text = printable(self.said.decode("utf-8", "replace").strip())
        return text[:_SHOWN] or "no reason"

    @property
    def code(self) -> tuple[str, ...]:
        """The levels of its response code, in upper case; empty where it has none."""
        match = _CODE.match(self.text)
        return tuple(match[1].upper().split("/")) if match else ()


def status(line: bytes) -> Status:
    """Read a status line; raises `TemporaryError` if it is none."""
    match = _STATUS.fullmatch(line)
    if match is None:
        raise TemporaryError(f"this is no answer of POP3: {Status(False, line).text}")
    return Status(match[1] == b"+OK", match[2])


def challenge(line: bytes) -> bytes | None:
    """What a server asks in a login (RFC 5034, section 4); None if it does not ask.
    Raises `TemporaryError` if what it asks can't be read."""
    if line != b"+" and not line.startswith(b"+ "):
        return None
    try:
        return a2b_base64(line[2:], strict_mode=True)
    except Error as error:
        raise TemporaryError("its question in the login can't be read") from error
