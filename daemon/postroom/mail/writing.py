"""New messages, written octet by octet: no header of ours can be injected.

What could differ between two attempts is made from the key that is given, so that a
retry is byte-identical.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from postroom.errors import PermanentError
from postroom.mail.addresses import Address, is_address
from postroom.mail.charset import one_line

CRLF = b"\r\n"
SUBJECT_CHARACTERS = 200
# RFC 5322, section 2.1.1: a line must not be longer. It should keep to 78, and with an
# encoded word (RFC 2047, section 2) to 76.
MOST_LINE_OCTETS = 998
_LINE_OCTETS = 76
# In base64 a word of 64 characters, which leaves room for the name of a field.
_WORD_OCTETS = 39
_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_PLAIN = re.compile(r"[ -~]*\Z")


def write_header(fields: Sequence[tuple[str, str]]) -> bytes:
    """The octets of these fields; raises `PermanentError` if they would be others."""
    lines = [_fold(f"{name}: {value}") for name, value in fields]
    block = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    _verify(block, [name for name, _ in fields])
    return block


def _verify(block: bytes, names: Sequence[str]) -> None:
    """Read the header back: exactly the fields that were meant, in ASCII lines."""
    rows = block.removesuffix(CRLF).split(CRLF)
    starts = [row for row in rows if not row.startswith(b" ")]
    written = [row.partition(b":")[0].decode("ascii", "replace") for row in starts]
    unfit = [
        row for row in rows if not row.isascii() or not row.strip() or b"\r" in row
    ]
    if written != list(names) or unfit or b"\n" in b"".join(rows):
        raise PermanentError(f"a header of {names} would have become one of {written}")
    if any(len(row) > MOST_LINE_OCTETS for row in rows):
        raise PermanentError(f"a line of {names} is longer than servers take")
    if not all(_NAME.match(name) for name in names):
        raise PermanentError(f"{names} are no field names")


def write_address(address: Address) -> str:
    """The address for a header; raises `PermanentError` if it is none."""
    if not is_address(address.address):
        raise PermanentError(f"{address.address!r} can't stand in a header")
    name = one_line(address.name)[:SUBJECT_CHARACTERS]
    return f"{_write_phrase(name)} <{address.address}>" if name else address.address


def _write_phrase(name: str) -> str:
    if not _PLAIN.match(name):
        return encode_text(name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encode_text(text: str) -> str:
    """The text for a header: as it is where it is plain ASCII, else in encoded words.

    Words are cut between characters (RFC 2047, section 5).
    """
    text = one_line(text)
    if _PLAIN.match(text) and "=?" not in text:
        return text
    return " ".join(
        f"=?utf-8?b?{base64.b64encode(piece.encode('utf-8', 'replace')).decode()}?="
        for piece in _cut(text, _WORD_OCTETS)
    )


def _cut(text: str, octets: int) -> list[str]:
    pieces = [""]
    for character in text:
        if len((pieces[-1] + character).encode("utf-8", "replace")) > octets:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _fold(line: str) -> str:
    """The line over several where it is long, folded at its spaces (RFC 5322, 2.2.3).

    The name of the field keeps its first word, and no line is blank.
    """
    name, *words = line.split(" ")
    lines, row = [], f"{name} {words.pop(0)}" if words else name
    for word in words:
        if row.strip() and len(row) + 1 + len(word) > _LINE_OCTETS:
            lines.append(row)
            row = ""
        row += f" {word}"
    return "\r\n".join([*lines, row])


def make_boundary(key: str, original: bytes) -> bytes:
    """The boundary that goes with this key; it does not occur in the original."""
    boundary = hashlib.sha256(f"boundary {key}".encode()).hexdigest()[:40].encode()
    while boundary in original:
        boundary = hashlib.sha256(boundary).hexdigest()[:40].encode()
    return boundary


def write_text(text: str) -> bytes:
    """The fields and the body of a text part; its lines end with CRLF."""
    return (
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + to_base64(text.encode("utf-8", "replace"))
    )


def to_base64(octets: bytes) -> bytes:
    """The octets in base64, in lines that end with CRLF."""
    return base64.encodebytes(octets).replace(b"\n", CRLF)
