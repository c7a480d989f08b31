"""One SMTP conversation, octet by octet.

The server may speak only while a reply is awaited. Whatever it says out of turn, and
whatever is no well-formed reply, ends the conversation: it can never be taken for the
answer to something that was said later.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

from postroom.errors import TemporaryError
from postroom.log import redact

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\n")
_LONGEST_REPLY = 64 * 1024
_LONGEST_TEXT = 1000


class ConversationBroken(TemporaryError):
    """The connection is lost, late or speaks nonsense; it is gone for good."""


@dataclass(frozen=True)
class Reply:
    """A complete, well-formed reply (RFC 5321, section 4.2)."""

    code: int
    text: str

    @property
    def kind(self) -> int:
        """The first digit: 2 done, 3 go on, 4 not now, 5 never."""
        return self.code // 100

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class Wire(asyncio.Protocol):
    """The conversation from here on: takes the transport over from its opener."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = bytearray()
        self._received = 0
        self._lines: list[tuple[int, bytes]] = []
        self._waiter: asyncio.Future[Reply] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()
        self._failure = ""
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        """True unless the conversation is known to have ended."""
        return not self._failure and not self._transport.is_closing()

    # -- what we say -------------------------------------------------------------------

    async def ask(self, command: bytes, deadline: float) -> Reply:
        """Say one command and give its reply."""
        self.write(command + b"\r\n")
        return await self.reply(deadline)

    def write(self, octets: bytes) -> None:
        """Put octets on their way; raises `ConversationBroken` when they can't go."""
        self._check()
        self._transport.write(octets)

    async def flow(self, deadline: float) -> None:
        """Wait until the server has taken enough for more to be written."""
        # Others get their turn even if the server takes all at once.
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(deadline):
                await self._writable.wait()
        except TimeoutError as error:
            self._fail(f"the server took nothing for {deadline:g} s")
            raise ConversationBroken(self._failure) from error

    async def listen(self) -> None:
        """Hear what has arrived by now; raises `ConversationBroken` if anything did."""
        # In one turn the event loop finds what has arrived, in the next it tells us.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._check()

    async def reply(self, deadline: float) -> Reply:
        """The next reply, whole, within `deadline` seconds, or `ConversationBroken`.

        Nothing may be awaited between the write and this call.
        """
        self._check()
        self._received = 0
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(deadline):
                return await self._waiter
        except TimeoutError as error:
            self._fail(f"no reply within {deadline:g} s")
            raise ConversationBroken(self._failure) from error
        finally:
            self._waiter = None

    async def close(self, deadline: float) -> None:
        """Say QUIT and close; waits at most `deadline` seconds for each."""
        # A server that hangs up instead of saying 221 has done what was asked.
        with suppress(ConversationBroken):
            await self.ask(b"QUIT", deadline)
        self._transport.close()
        # TLS waits for the server's close_notify: it may never come.
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                await self._closed.wait()
        self.abort()

    def abort(self) -> None:
        """Cut the connection now, without a word."""
        self._fail("the connection was given up")

    # -- what we hear: called by the event loop ----------------------------------------

    def data_received(self, data: bytes) -> None:
        """Collect a reply; anything else ends the conversation."""
        if self._waiter is None or self._waiter.done():
            self._fail("the server spoke out of turn")
            return
        self._received += len(data)
        if self._received > _LONGEST_REPLY:
            self._fail(f"a reply of more than {_LONGEST_REPLY} octets")
            return
        self._buffer += data
        self._read_lines(self._waiter)

    def eof_received(self) -> None:
        """End the conversation: half a connection is none."""
        self._fail("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        self._closed.set()
        self._fail(
            f"the connection was lost: {exc}" if exc else "the connection was lost"
        )

    def pause_writing(self) -> None:
        """Hold back further content: the server is slower than we are."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let content go on."""
        self._writable.set()

    def _check(self) -> None:
        if not self.alive:
            raise ConversationBroken(self._failure or "the connection was lost")

    def _read_lines(self, waiter: asyncio.Future[Reply]) -> None:
        while (end := self._buffer.find(b"\n") + 1) and not waiter.done():
            line = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._read_line(line, waiter)
        if self._buffer and waiter.done():
            self._fail("the server spoke out of turn")

    def _read_line(self, line: bytes, waiter: asyncio.Future[Reply]) -> None:
        match = _REPLY_LINE.fullmatch(line)
        code = int(match[1]) if match else 0
        if match is None or (self._lines and self._lines[0][0] != code):
            self._fail(f"no SMTP reply: {_printable(line)[:80]!r}")
            return
        self._lines.append((code, match[3] or b""))
        if match[2] != b"-":
            text = _printable(b" ".join(text for _, text in self._lines))
            self._lines.clear()
            waiter.set_result(Reply(code, text[:_LONGEST_TEXT]))

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConversationBroken(self._failure))
        self._writable.set()
        # CPython 3.11.2 fails at aborting a TLS connection that is lost.
        if not self._closed.is_set():
            self._transport.abort()


def _printable(octets: bytes) -> str:
    """Text that is safe in a log, in the store and on a terminal."""
    text = redact(octets.decode("utf-8", errors="replace").strip())
    return "".join(char if char.isprintable() else "?" for char in text)
