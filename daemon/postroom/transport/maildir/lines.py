"""Lines end with LF on disk and with CRLF in a message; nothing else is changed."""

from __future__ import annotations


def to_crlf(octets: bytes) -> bytes:
    """The octets of a message, of what a file holds."""
    return octets.replace(b"\n", b"\r\n")


class Unwinding:
    """Turns CRLF into LF in octets that come in pieces, and counts what comes of it."""

    def __init__(self) -> None:
        self._held = b""
        self._after_cr = False
        self._octets = 0
        self._without_cr = 0

    def feed(self, octets: bytes) -> bytes:
        """What goes to the disk of the next piece."""
        joined = self._held + octets if self._held else octets
        # A CR at the end may belong to a CRLF: only the next piece tells.
        self._held = b"\r" if joined.endswith(b"\r") else b""
        return self._count(joined[:-1] if self._held else joined)

    def end(self) -> bytes:
        """What was held back until the end."""
        held, self._held = self._held, b""
        self._octets += len(held)
        return held

    @property
    def suffix(self) -> str:
        """What Dovecot looks for in the name of a file: its octets, and those it has
        with CRLF."""
        return f",S={self._octets},W={self._octets + self._without_cr}"

    def _count(self, octets: bytes) -> bytes:
        written = octets.replace(b"\r\n", b"\n")
        self._octets += len(written)
        self._without_cr += written.count(b"\n")
        # Dovecot adds no CR where one stands on disk already, as hardly any does.
        if b"\r" in written:
            self._without_cr -= written.count(b"\r\n")
        if self._after_cr and written.startswith(b"\n"):
            self._without_cr -= 1
        self._after_cr = written.endswith(b"\r") if written else self._after_cr
        return written
