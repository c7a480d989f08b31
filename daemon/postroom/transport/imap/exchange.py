"""One command, and what the server says to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import aioimaplib  # type: ignore[import-untyped] # it ships no types

from postroom.errors import TemporaryError
from postroom.log import redact
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.responses import Code, code_of, status_codes

# So many octets of what a server says for people are shown, and looked at.
SHOWN = 200


def printable(text: bytes) -> str:
    """What a server said, fit for a log and for the store: shortened, without control
    characters, and without the secrets that it was told."""
    # What is cut here may hold a part of a secret, which is cut off below.
    decoded = redact(text[: 4 * SHOWN].decode("utf-8", "replace"))[:SHOWN]
    return "".join(char if char.isprintable() else "\ufffd" for char in decoded)


class Exchange(aioimaplib.Command):  # type: ignore[misc] # an untyped class
    """One command and what the server answers to it.

    `segments` are the command's octets: the first is sent at once, each other one when
    the server asks for it. With `keep` False only the observer has untagged responses.
    """

    def __init__(
        self, name: str, tag: str, segments: Iterable[bytes], keep: bool = True
    ) -> None:
        super().__init__(name, tag)  # no arguments: its repr must not hold a password
        self.segments = deque(segments)
        self.keep = keep
        self.frames: list[Frame] = []
        self.accepted = asyncio.Event()  # the server asked for more, or answered
        self.wake = asyncio.Event()  # waiting in IDLE has lost its reason
        self.on_progress: Callable[[], None] = lambda: None

    @property
    def codes(self) -> list[Code]:
        """The response codes of the untagged responses and of the tagged one."""
        return [*status_codes(self.frames), code_of(self.text)]

    @property
    def text(self) -> bytes:
        """The text of the tagged response."""
        return bytes(self.response.lines[-1])

    @property
    def result(self) -> str:
        """OK, NO or BAD."""
        return str(self.response.result)

    @property
    def complete(self) -> bool:
        """True once the tagged response has come, or never will."""
        return bool(self._event.is_set())

    def close(self, line: bytes, result: str) -> None:
        """Take the tagged response."""
        super().close(line, result)
        self._release()

    def fail(self, error: TemporaryError) -> None:
        """Let whoever waits have this error."""
        if not self.complete:
            self._exception = error
            self._event.set()
            self._release()

    def _release(self) -> None:
        self.accepted.set()
        self.wake.set()
