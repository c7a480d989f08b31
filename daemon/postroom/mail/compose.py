"""New messages, written octet by octet: no header of ours can be injected.

Everything that could differ between two attempts (Message-ID, Date, boundary) is made
from the key and the time that are given, so that a retry is byte-identical.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from postroom.errors import PermanentError
from postroom.mail.addresses import Address, is_address
from postroom.mail.charset import one_line
from postroom.mail.envelope import Envelope, Outgoing
from postroom.mail.loops import TRACE_FIELD, Hop, read_hops
from postroom.mail.message import Message

_CRLF = b"\r\n"
_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_PLAIN = re.compile(r"[ -~]*\Z")
_SUBJECT_CHARACTERS = 200
# RFC 5322, section 2.1.1: a line must not be longer. It should keep to 78, and with an
# encoded word (RFC 2047, section 2) to 76.
_MOST_LINE_OCTETS = 998
_LINE_OCTETS = 76
# In base64 a word of 64 characters, which leaves room for the name of a field.
_WORD_OCTETS = 39


@dataclass(frozen=True)
class Owner:
    """For whom postroom acts: the account's name, its address, and a display name."""

    account: str
    address: str
    name: str = ""
    relay: str = ""


def compose_forward(
    message: Message, to: Sequence[str], owner: Owner, key: str, now: datetime
) -> Outgoing:
    """A new message from the owner with the original inside, its octets unchanged.

    The original is a message/rfc822 part (RFC 2046, section 5.2.1), or where it could
    not travel as it is, an attachment `original.eml`.
    """
    message_id = _make_message_id(key, owner)
    header = _write_header(_forward_fields(message, to, owner, message_id, now))
    boundary = _make_boundary(key, message.raw)
    content = b"".join(
        [
            header,
            b'Content-Type: multipart/mixed;\r\n boundary="%s"\r\n\r\n' % boundary,
            b"--%s\r\n" % boundary,
            _summarise(message, owner),
            b"\r\n--%s\r\n" % boundary,
            _enclose(message.raw),
            b"\r\n--%s--\r\n" % boundary,
        ]
    )
    envelope = Envelope(owner.address, tuple(to))
    return Outgoing(owner.relay or owner.account, envelope, content, message_id)


def _forward_fields(
    message: Message, to: Sequence[str], owner: Owner, message_id: str, now: datetime
) -> list[tuple[str, str]]:
    subject = f"Fwd: {message.subject[:_SUBJECT_CHARACTERS]}".strip()
    fields = [
        ("From", _write_address(Address(owner.name, owner.address))),
        ("To", ", ".join(_write_address(Address("", address)) for address in to)),
        ("Subject", _encode(subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834, section 5
        *((TRACE_FIELD, str(hop)) for hop in _trace(message, owner)),
        ("MIME-Version", "1.0"),
    ]
    authors = message.header.addresses("Reply-To") or message.header.addresses("From")
    fit = [author for author in authors[:1] if is_address(author.address)]
    return [*fields, *(("Reply-To", _write_address(author)) for author in fit)]


def _trace(message: Message, owner: Owner) -> Iterable[Hop]:
    return (*read_hops(message.header), Hop.of(owner.address))


def _make_message_id(key: str, owner: Owner) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:26]
    return f"<{digest}.pr@{owner.address.rpartition('@')[2]}>"


def _make_boundary(key: str, original: bytes) -> bytes:
    boundary = hashlib.sha256(f"boundary {key}".encode()).hexdigest()[:40].encode()
    while boundary in original:
        boundary = hashlib.sha256(boundary).hexdigest()[:40].encode()
    return boundary


def _summarise(message: Message, owner: Owner) -> bytes:
    """The part that a person reads: who wrote, about what, and when it came."""
    lines = [
        f"postroom forwards this message for {owner.address}.",
        "",
        f"From:     {message.header.text('From')[:_SUBJECT_CHARACTERS]}",
        f"Subject:  {message.subject[:_SUBJECT_CHARACTERS]}",
        f"Received: {format_datetime(message.received)}",
    ]
    text = "".join(f"{line}\r\n" for line in lines)
    return (
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + _to_base64(text.encode())
    )


def _enclose(original: bytes) -> bytes:
    if not _can_travel(original):
        return (
            b'Content-Type: application/octet-stream; name="original.eml"\r\n'
            b'Content-Disposition: attachment; filename="original.eml"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n" + _to_base64(original)
        )
    encoding = b"7bit" if original.isascii() else b"8bit"
    return (
        b"Content-Type: message/rfc822\r\n"
        b"Content-Disposition: inline\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + original
    )


def _can_travel(original: bytes) -> bool:
    """True if every server takes these octets as they are.

    CR and LF come only together (RFC 5321, section 2.3.8), no line is too long, and
    there is no NUL, which most servers refuse.
    """
    ends = original.count(_CRLF)
    paired = original.count(b"\r") == ends == original.count(b"\n")
    return paired and b"\0" not in original and not _has_long_line(original)


def _has_long_line(octets: bytes) -> bool:
    """True if a line is longer than it may be; looks at few of the line ends."""
    begin, most = 0, _MOST_LINE_OCTETS + len(_CRLF)
    while len(octets) - begin > _MOST_LINE_OCTETS:
        end = octets.rfind(b"\n", begin, begin + most)
        if end < 0:
            return True
        begin = end + 1
    return False


def _to_base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", _CRLF)


def _write_header(fields: Sequence[tuple[str, str]]) -> bytes:
    """The octets of these fields; raises `PermanentError` if they would be others."""
    lines = [_fold(f"{name}: {value}") for name, value in fields]
    block = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    _verify(block, [name for name, _ in fields])
    return block


def _verify(block: bytes, names: Sequence[str]) -> None:
    """Read the header back: exactly the fields that were meant, in ASCII lines."""
    rows = block.removesuffix(_CRLF).split(_CRLF)
    starts = [row for row in rows if not row.startswith(b" ")]
    written = [row.partition(b":")[0].decode("ascii", "replace") for row in starts]
    unfit = [
        row for row in rows if not row.isascii() or not row.strip() or b"\r" in row
    ]
    if written != list(names) or unfit or b"\n" in b"".join(rows):
        raise PermanentError(f"a header of {names} would have become one of {written}")
    if any(len(row) > _MOST_LINE_OCTETS for row in rows):
        raise PermanentError(f"a line of {names} is longer than servers take")
    if not all(_NAME.match(name) for name in names):
        raise PermanentError(f"{names} are no field names")


def _write_address(address: Address) -> str:
    if not is_address(address.address):
        raise PermanentError(f"{address.address!r} can't stand in a header")
    name = one_line(address.name)[:_SUBJECT_CHARACTERS]
    return f"{_write_phrase(name)} <{address.address}>" if name else address.address


def _write_phrase(name: str) -> str:
    if not _PLAIN.match(name):
        return _encode(name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encode(text: str) -> str:
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
