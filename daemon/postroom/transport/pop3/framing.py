"""Cuts what a server says into lines and contents, in linear time and bounded memory.

A line ends with CRLF and a content with CRLF, a dot and CRLF (RFC 1939, section 3), and
with nothing else: a bare LF, a bare CR and a dot between them are octets like others.
"""

from __future__ import annotations

from postroom.errors import TemporaryError

CRLF = b"\r\n"
_END = b"\r\n.\r\n"

# RFC 2449, section 4, allows a line 512 octets, and some servers say more.
LONGEST_LINE = 8 * 1024
LARGEST_PIECE = 256 * 1024


class Framer:
    """A stream of octets that is taken line by line and piece by piece.

    The octets that were not taken yet always begin with the CRLF that ends what was
    taken last: so the first line of a content begins as any other one does.
    """

    def __init__(self) -> None:
        self._octets = bytearray(CRLF)
        self._at = 0
        self._searched = 0
        self._within = False

    @property
    def pending(self) -> int:
        """How many octets there are that were not taken."""
        return len(self._octets) - self._at - (0 if self._within else len(CRLF))

    def feed(self, octets: bytes) -> None:
        """Add what has come."""
        if self._at:
            del self._octets[: self._at]
            self._searched = max(0, self._searched - self._at)
            self._at = 0
        self._octets += octets

    def line(self) -> bytes | None:
        """The next line without its end; None if it has not come yet. Raises
        `TemporaryError` if it is too long to be one."""
        start = self._at + len(CRLF)
        end = self._octets.find(CRLF, max(start, self._searched))
        length = (len(self._octets) if end < 0 else end) - start
        # Of a line that goes on the last octet may be the first one of its end.
        if length > LONGEST_LINE + (end < 0):
            raise TemporaryError("it said a line of too many octets")
        if end < 0:
            self._searched = max(start, len(self._octets) - 1)
            return None
        self._searched = end
        return self._take(start, end)

    def piece(self) -> tuple[bytes, bool] | None:
        """The next piece of a content, freed of the dots that were added, and whether
        it is the last one; None if too little has come."""
        end = self._octets.find(_END, max(self._at, self._searched))
        known = len(self._octets) - len(_END) + 1 if end < 0 else end
        self._searched = max(self._at, known)
        if known - self._at > LARGEST_PIECE:
            return self._part(self._whole_until(self._at + LARGEST_PIECE)), False
        if end < 0:
            return None
        octets = self._part(end + len(CRLF))
        self._at = end + len(_END) - len(CRLF)
        self._within = False
        return octets, True

    def _whole_until(self, cut: int) -> int:
        """Where to cut so that a line's end and the dot behind it stay together."""
        if self._octets[cut - 1] == CRLF[0]:
            return cut - 1
        if self._octets[cut - 2 : cut] == CRLF:
            return cut - 2
        return cut

    def _part(self, end: int) -> bytes:
        """The octets of a content up to there."""
        stuffed = self._take(self._at, end)
        octets = stuffed.replace(b"\r\n.", CRLF)
        if self._within:
            return octets
        self._within = True
        return octets[len(CRLF) :]

    def _take(self, start: int, end: int) -> bytes:
        self._at = end
        with memoryview(self._octets) as view, view[start:end] as taken:
            return bytes(taken)
