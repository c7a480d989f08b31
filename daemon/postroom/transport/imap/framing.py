"""Cut what a server sends into whole responses: linear in time, bounded in memory.

The responses do not depend on how the octets were cut into packets. Anything beyond
the limits, or that can't be framed, is a `TemporaryError`: the connection must end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from postroom.errors import TemporaryError

# A response's lines and literals in turn: line, literal, line, ..., line.
Frame = tuple[bytes, ...]

CRLF = b"\r\n"

# RFC 3501, section 7.1: human-readable text may end in `{5}` and announce no literal.
_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)(?: |\Z)", re.IGNORECASE)
_LITERAL_SIZE = re.compile(rb"[0-9]{1,15}")


@dataclass(frozen=True)
class Limits:
    """How much a server may send: octets in a line, a literal, an answer with messages
    and any other; literals in one response, and responses to one command. `small` and
    `answer` are for a literal and a response of which no message was asked."""

    line: int = 4 * 1024 * 1024  # SEARCH answers half a million UIDs in one line
    literal: int = 56 * 1024 * 1024
    small: int = 64 * 1024
    octets: int = 272 * 1024 * 1024  # a thousand headers of 256 KiB
    answer: int = 16 * 1024 * 1024  # two million UIDs; read, it takes the tenfold
    literals: int = 64
    responses: int = 200_000

    @classmethod
    def for_messages(cls, octets: int) -> Limits:
        """The limits under which messages of so many octets can be fetched."""
        # Servers may tell a little less than they send.
        literal = max(cls.literal, octets + octets // 10)
        return cls(literal=literal, octets=max(cls.octets, 2 * literal))


class Framer:
    """Takes octets as they come and gives responses as they are complete.

    `awaits_messages` tells if what comes now may be a message.
    """

    def __init__(
        self, limits: Limits, awaits_messages: Callable[[], bool] = lambda: True
    ) -> None:
        self._limits = limits
        self._awaits_messages = awaits_messages
        self._buffer = bytearray()
        self._start = 0  # what lies before it has been taken
        self._searched = 0  # no CRLF begins between _start and here
        self._parts: list[bytes] = []
        self._literal: int | None = None

    @property
    def pending(self) -> bool:
        """True if a response has begun and is not complete."""
        return bool(self._buffer or self._parts)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The responses that `data` completes; raises `TemporaryError`."""
        self._buffer += data
        while (part := self._take()) is not None:
            self._parts.append(part)
            if self._expects_literal():
                continue
            yield tuple(self._parts)
            self._parts.clear()
        del self._buffer[: self._start]
        self._searched -= self._start
        self._start = 0

    def _take(self) -> bytes | None:
        if self._literal is None:
            return self._take_line()
        return self._take_literal(self._literal)

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(CRLF, self._searched)
        if end < 0:
            self._searched = max(self._start, len(self._buffer) - 1)
            # A CR at the very end may be half of a line's end.
            unfinished = len(self._buffer) - self._buffer.endswith(b"\r")
            self._check_line(unfinished - self._start)
            return None
        self._check_line(end - self._start)
        line = bytes(self._buffer[self._start : end])
        self._start = self._searched = end + len(CRLF)
        return line

    def _take_literal(self, size: int) -> bytes | None:
        end = self._start + size
        if len(self._buffer) < end:
            return None
        literal = bytes(memoryview(self._buffer)[self._start : end])
        self._start = self._searched = end
        return literal

    def _expects_literal(self) -> bool:
        """True if the part just taken is not the last of its response."""
        if self._literal is not None:
            self._literal = None
            return True
        self._literal = self._announced(self._parts[-1])
        return self._literal is not None

    def _announced(self, line: bytes) -> int | None:
        if not line.endswith(b"}") or not self._is_data():
            return None
        _, brace, digits = line[:-1].rpartition(b"{")
        if not brace:
            return None
        literal, whole = self._bounds()
        if not _LITERAL_SIZE.fullmatch(digits) or int(digits) > literal:
            raise TemporaryError("the server announced a literal beyond all bounds")
        if len(self._parts) > 2 * self._limits.literals:
            raise TemporaryError("the server sent a response of too many literals")
        # Nobody may have asked for it: what comes unasked is counted nowhere else.
        if sum(map(len, self._parts)) + int(digits) > whole:
            raise TemporaryError("the server sent a response without end")
        return int(digits)

    def _bounds(self) -> tuple[int, int]:
        """The most octets of a literal, and of its whole response."""
        limits = self._limits
        if self._awaits_messages():
            return limits.literal, limits.octets
        return min(limits.small, limits.literal), min(limits.answer, limits.octets)

    def _is_data(self) -> bool:
        first = self._parts[0]
        return first.startswith(b"* ") and not _STATUS.match(first)

    def _check_line(self, length: int) -> None:
        if length > self._limits.line:
            raise TemporaryError("the server sent a line that is too long")
