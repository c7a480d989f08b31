"""The leaves of the MIME tree, walked within limits, never raising."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from postroom.mail import limits
from postroom.mail.header import Header, find_blank_line
from postroom.mail.parameters import read_kind, read_media_type, read_parameters

_MESSAGES = {"message/rfc822", "message/global"}
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(frozen=True)
class Part:
    """A leaf of the MIME tree: its media type in lower case, and its octets as sent."""

    header: Header
    media_type: str
    parameters: dict[str, str]
    encoded: bytes

    @property
    def content(self) -> bytes:
        """The octets with the transfer encoding undone, as far as that can be done."""
        encoding = read_kind(self.header.raw_text("Content-Transfer-Encoding"))
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.encoded)
        return _undo_base64(self.encoded) if encoding == "base64" else self.encoded

    @property
    def is_attachment(self) -> bool:
        """True if the sender marked it as an attachment (RFC 2183)."""
        kinds = (read_kind(value) for value in self.dispositions)
        return any(kind.startswith("attachment") for kind in kinds)

    @property
    def dispositions(self) -> tuple[str, ...]:
        """The value of every Content-Disposition, of which there should be one."""
        fields = self.header.all("Content-Disposition")
        return tuple(entry.raw_text for entry in fields)


def walk_parts(raw: bytes, *, enclosed: bool = False) -> Iterator[Part]:
    """The leaves of the MIME tree in order, no more than the limits allow.

    A multipart without a usable boundary is one leaf (RFC 2046, section 5.1.1), and so
    is one that lies beyond the limits. A message inside is one leaf, behind which with
    `enclosed` its own leaves come.
    """
    waiting = [(raw, 0)]
    room = limits.WALKS * max(len(raw), limits.WALKED_OCTETS)
    for _ in range(limits.PARTS):
        if not waiting:
            return
        octets, depth = waiting.pop()
        part = _read_part(octets)
        fits = depth < limits.NESTING and len(octets) <= room
        is_message = enclosed and part.media_type in _MESSAGES
        inner = _inner_parts(part, is_message) if fits else []
        waiting.extend((piece, depth + 1) for piece in reversed(inner))
        if inner:
            room -= len(octets)
        if is_message or not inner:
            yield part


def _inner_parts(part: Part, is_message: bool) -> list[bytes]:
    """The octets of the parts inside a multipart, or of a message that is inside."""
    if is_message:
        return [part.content]
    boundary = part.parameters.get("boundary", "")
    usable = 0 < len(boundary) <= limits.BOUNDARY_OCTETS
    if not (usable and part.media_type.startswith("multipart/")):
        return []
    return _split(part.encoded, boundary.encode("utf-8", "replace"))


def _read_part(octets: bytes) -> Part:
    end = find_blank_line(octets)
    header = Header.parse(octets[: limits.HEADER_OCTETS + 1])
    value = header.raw_text("Content-Type")
    return Part(
        header,
        read_media_type(value),
        read_parameters(value),
        octets[end.end() if end else len(octets) :],
    )


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """The octets between the delimiters, without the line ends that belong to them."""
    pieces: list[bytes] = []
    start = None
    for delimiter in _find_delimiters(body, boundary):
        if start is not None:
            # The CR that belongs to the delimiter's line end.
            piece = body[start : delimiter.start()].removesuffix(b"\r")
            pieces.append(_without_line_end(piece))
        start = delimiter.end()
        if delimiter[1] or len(pieces) >= limits.PARTS:
            return pieces
    return pieces if start is None else [*pieces, _without_line_end(body[start:])]


def _find_delimiters(body: bytes, boundary: bytes) -> Iterator[re.Match[bytes]]:
    line = b"--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=\r?\n|\Z)"
    first = re.compile(line).match(body)
    if first:
        yield first
    # What begins with plain octets is searched for many times as fast.
    yield from re.compile(b"\n" + line).finditer(body)


def _without_line_end(piece: bytes) -> bytes:
    return piece.removeprefix(b"\r").removeprefix(b"\n")


def _undo_base64(encoded: bytes) -> bytes:
    """What can be decoded; the last character may lack those that belong to it."""
    try:
        return binascii.a2b_base64(encoded + b"==")
    except binascii.Error:
        return binascii.a2b_base64(_NO_BASE64.sub(b"", encoded)[:-1])
