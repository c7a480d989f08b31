"""One POP3 connection, octet by octet.

The server may speak only while it owes answers. Whatever it says out of turn, and
whatever is late or can't be read, ends the connection for good: it can never be taken
for the answer to something that was said later.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from postroom.errors import TemporaryError
from postroom.log import printable
from postroom.transport.pop3.framing import CRLF, LARGEST_PIECE, Framer

# With so many octets at hand no more are read from the network.
_ENOUGH = 2 * LARGEST_PIECE


@dataclass
class Patience:
    """How long an answer may keep one waiting: at a stretch, and in all."""

    silence: float
    total: float


class Wire(asyncio.Protocol):
    """What is said to a server, and what it answers; `owed` answers are to come, of
    which the greeting is the first."""

    def __init__(self, peer: str) -> None:
        self.owed = 1
        self.failure = ""
        self._peer = peer
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._reading = True
        self._waiter: asyncio.Future[None] | None = None
        self._closed = asyncio.Event()

    # -- what we say -------------------------------------------------------------------

    def send(self, *commands: bytes) -> None:
        """Put commands on their way, all in one; each is owed an answer."""
        self.owed += len(commands)
        self._write(b"".join(command + CRLF for command in commands))

    def respond(self, line: bytes) -> None:
        """Say what the server asked for within an answer."""
        if self._framer.pending:
            raise self.fail("it went on before it was answered")
        self._write(line + CRLF)

    async def start_tls(
        self, context: ssl.SSLContext, host: str, timeout: float
    ) -> None:
        """Go on in TLS, after STLS was agreed to: with nothing that was said before."""
        assert self._transport is not None
        transport = await asyncio.get_running_loop().start_tls(
            self._transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=timeout,
        )
        # CPython gives none if the connection is lost in a way that is no error.
        if transport is None:
            raise ConnectionResetError("it hung up in the middle of TLS")
        self._transport = transport

    def fail(self, reason: str) -> TemporaryError:
        """End the connection now; everything fails from now on, and why it does."""
        self._framer = Framer()
        self._lose(reason)
        # CPython 3.11.2 fails at aborting a TLS connection that is lost.
        if self._transport is not None and not self._closed.is_set():
            self._transport.abort()
        return TemporaryError(self.failure)

    async def close(self, deadline: float) -> None:
        """End the connection, and see it gone within so many seconds."""
        self.fail("it was closed")
        if self._hears:
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline):
                    await self._closed.wait()

    # -- what we hear ------------------------------------------------------------------

    async def line(self, patience: Patience) -> bytes:
        """The next line."""
        while (line := self._line_at_hand()) is None:
            await self._more(patience)
        return line

    async def piece(self, patience: Patience) -> tuple[bytes, bool]:
        """The next piece of a content, and whether it is the last one."""
        while (piece := self._framer.piece()) is None:
            await self._more(patience)
        return piece

    @property
    def pending(self) -> bool:
        """True if octets have come that nobody has taken yet."""
        return self._framer.pending > 0

    def answered(self) -> None:
        """Take it that an answer has come to its end."""
        self.owed -= 1
        if not self.owed and self._framer.pending:
            raise self.fail("it spoke out of turn")

    # -- what the event loop tells -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Keep what the server says, if it is its turn."""
        if self.failure:
            return
        if not self.owed:
            self.fail("it spoke out of turn")
            return
        self._framer.feed(data)
        if self._framer.pending > _ENOUGH and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let be taken what has come, and nothing else."""
        self._closed.set()
        self._lose(f"the connection was lost: {exc or 'end of file'}")

    # -- insides -----------------------------------------------------------------------

    @property
    def _hears(self) -> bool:
        """True if the loss of the connection is told: while TLS begins it is not."""
        transport = self._transport
        return transport is not None and transport.get_protocol() is self

    def _write(self, octets: bytes) -> None:
        if self.failure:
            raise TemporaryError(self.failure)
        assert self._transport is not None
        self._transport.write(octets)

    def _lose(self, reason: str) -> None:
        self.failure = self.failure or f"{self._peer}: {printable(reason)}"
        self._wake()

    def _line_at_hand(self) -> bytes | None:
        try:
            return self._framer.line()
        except TemporaryError as error:
            raise self.fail(str(error)) from error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _more(self, patience: Patience) -> None:
        """Wait until something has come."""
        if self.failure:
            raise TemporaryError(self.failure)
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()
        loop = asyncio.get_running_loop()
        self._waiter, start = loop.create_future(), loop.time()
        seconds = min(patience.silence, patience.total)
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError as error:
            raise self.fail("it does not answer in time") from error
        finally:
            self._waiter = None
            patience.total -= loop.time() - start
