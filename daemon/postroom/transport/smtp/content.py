"""A message's octets on the wire: in pieces, dots doubled (RFC 5321, section 4.5.2)."""

from __future__ import annotations

from collections.abc import Iterator

_PIECE = 64 * 1024


def pieces(content: bytes, size: int = _PIECE) -> Iterator[bytes]:
    """The content in pieces of about `size` octets; none cuts a CRLF in two."""
    start = 0
    while start < len(content):
        end = start + size
        if content[end - 1 : end] == b"\r":
            end += 1
        yield content[start:end]
        start = end


def dot_stuffed(content: bytes, size: int = _PIECE) -> Iterator[bytes]:
    """The content in pieces, a dot put before each dot that begins a line."""
    line_begins = True
    for piece in pieces(content, size):
        stuffed = piece.replace(b"\r\n.", b"\r\n..")
        yield b"." + stuffed if line_begins and piece.startswith(b".") else stuffed
        line_begins = piece.endswith(b"\r\n")
