"""Names of mailboxes: `/` to the user, the server's delimiter and UTF-7 on the wire.

No part of a user's name can become a delimiter, a command or a control character.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

from postroom.errors import PermanentError

INBOX = "INBOX"

_PLAIN = re.compile(r"[\x20-\x25\x27-\x7e]+")
_ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")
_LENGTH = 1_000


@dataclass(frozen=True)
class Names:
    """How an account's server names mailboxes (RFC 2342): its delimiter, the prefix of
    what is the user's own, and the prefixes of what others share."""

    delimiter: str | None = "/"
    prefix: str = ""
    foreign: tuple[str, ...] = ()

    def to_server(self, name: str) -> str:
        """The server's name, encoded, of what the user calls `name`.

        Raises `PermanentError` if no mailbox can have that name.
        """
        parts = name.split("/")
        if not all(parts) or any(map(_unprintable, name)):
            raise PermanentError(f"{name!r} can't be the name of a mailbox")
        if parts[0].upper() == INBOX:
            parts[0] = INBOX
        joint = self.delimiter or "_"
        path = joint.join(part.replace(joint, "_") for part in parts)
        encoded = encode_utf7(self._prefixed(path, parts[0]))
        if len(encoded) > _LENGTH:
            raise PermanentError(f"{name[:60]!r}... is too long for a mailbox")
        return encoded

    def to_user(self, name: bytes) -> str:
        """What the user calls the mailbox that the server calls `name`."""
        path = decode_leniently(name)
        if path.upper() == INBOX:
            return INBOX
        path = path.removeprefix(self.prefix)
        if not self.delimiter or self.delimiter == "/":
            return path
        return path.replace("/", "_").replace(self.delimiter, "/")

    def _prefixed(self, path: str, first: str) -> str:
        named = (INBOX, *(space.rstrip(self.delimiter) for space in self.foreign))
        return path if first in named else self.prefix + path


def encode_utf7(text: str) -> str:
    """`text` in the modified UTF-7 of RFC 3501, section 5.1.3."""
    written = []
    position = 0
    for match in _PLAIN.finditer(text):
        written += [_encode_run(text[position : match.start()]), match[0]]
        position = match.end()
    return "".join([*written, _encode_run(text[position:])])


def decode_utf7(text: str) -> str:
    """The reverse of `encode_utf7`; raises `ValueError`."""
    written = []
    position = 0
    for match in _ENCODED.finditer(text):
        written += [_plain(text[position : match.start()]), _decode_run(match[1])]
        position = match.end()
    return "".join([*written, _plain(text[position:])])


def decode_leniently(name: bytes) -> str:
    """The text of a name, whatever the server made of it."""
    text = name.decode("utf-8", "replace")
    try:
        return decode_utf7(text)
    except ValueError:
        return text  # some servers speak UTF-8, or nothing at all


def _encode_run(run: str) -> str:
    # An ampersand stands for itself as "&-", even among characters that are encoded.
    return "&-".join(_encode_piece(piece) for piece in run.split("&"))


def _encode_piece(piece: str) -> str:
    if not piece:
        return ""
    encoded = b2a_base64(piece.encode("utf-16-be"), newline=False).decode()
    return f"&{encoded.rstrip('=').replace('/', ',')}-"


def _decode_run(run: str) -> str:
    if not run:
        return "&"
    padded = run.replace(",", "/") + "=" * (-len(run) % 4)
    return a2b_base64(padded, strict_mode=True).decode("utf-16-be")


def _plain(text: str) -> str:
    if "&" in text or not text.isascii():
        raise ValueError(f"{text!r} is not modified UTF-7")
    return text


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
