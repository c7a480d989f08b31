"""Write commands: nothing a user or a message says can end a command or begin another.

CR, LF and NUL never leave but inside a literal; NUL not even there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postroom.errors import PermanentError
from postroom.transport.imap.framing import CRLF

_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_FORBIDDEN = re.compile(rb"[\r\n\x00]")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")

# RFC 2683, section 3.2.1.5: servers take lines of 8,000 octets. Room for the rest.
_SET_LENGTH = 7_000


@dataclass(frozen=True)
class Literal:
    """Octets that go as a synchronising literal (RFC 3501, section 4.3)."""

    octets: bytes


# What a command is made of: octets that go as they are, or a literal.
Part = bytes | Literal


def atom(text: str) -> bytes:
    """`text` as an atom, such as a keyword; raises `PermanentError` if it is none."""
    octets = text.encode("utf-8", "surrogateescape")
    if not _ATOM.fullmatch(octets):
        raise PermanentError(f"{text!r} can't be used as a word in IMAP")
    return octets


def flag(text: str) -> bytes:
    r"""`text` as a flag: `\Seen` or a keyword; raises `PermanentError`."""
    return b"\\" + atom(text[1:]) if text.startswith("\\") else atom(text)


def string(text: str) -> Part:
    """`text` quoted, or as a literal where it has 8-bit characters (RFC 3501, 4.3)."""
    octets = text.encode("utf-8", "surrogateescape")
    _refuse_control(octets)
    if not _QUOTABLE.fullmatch(octets):
        return Literal(octets)
    return b'"%s"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def segments(parts: Iterable[Part]) -> list[bytes]:
    """A command's octets: each but the first is sent when the server asks for it."""
    written = [b""]
    for part in parts:
        space = b" " if written != [b""] else b""
        if isinstance(part, Literal):
            if b"\x00" in part.octets:  # RFC 3501, section 9: CHAR8 is 1 to 255
                raise PermanentError("NUL can't be sent over IMAP")
            written[-1] += b"%s{%d}\r\n" % (space, len(part.octets))
            written.append(part.octets)
        else:
            _refuse_control(part)
            written[-1] += space + part
    written[-1] += CRLF
    return written


def uid_sets(uids: Iterable[int], length: int = _SET_LENGTH) -> Iterator[bytes]:
    """These UIDs as sets such as `1:5,9`, each short enough for one command."""
    written = b""
    for item in _ranges(sorted(set(uids))):
        if written and len(written) + len(item) >= length:
            yield written
            written = b""
        written += b"," + item if written else item
    if written:
        yield written


def _ranges(uids: list[int]) -> Iterator[bytes]:
    start = 0
    for index, uid in enumerate(uids):
        if index + 1 == len(uids) or uids[index + 1] != uid + 1:
            first = uids[start]
            yield b"%d" % uid if first == uid else b"%d:%d" % (first, uid)
            start = index + 1


def _refuse_control(octets: bytes) -> None:
    if _FORBIDDEN.search(octets):
        raise PermanentError("a line break or NUL can't be sent over IMAP")
