"""aioimaplib's protocol, mended: whatever goes wrong fails what waits, and at once.

One command is under way at a time (RFC 3501, section 5.5). A response that can't be
understood, a farewell or a lost connection ends the connection for good.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import aioimaplib  # type: ignore[import-untyped] # it ships no types

from postroom.errors import TemporaryError
from postroom.failpoints import Point, reach
from postroom.transport.imap.exchange import Exchange, printable
from postroom.transport.imap.failures import farewell
from postroom.transport.imap.framing import CRLF, Frame, Framer, Limits

_TAGGED = re.compile(rb"([A-Z0-9]+) (OK|NO|BAD)(?: (.*))?", re.IGNORECASE | re.DOTALL)
_GREETING = re.compile(rb"\* (OK|PREAUTH)(?: (.*))?", re.IGNORECASE | re.DOTALL)
_BYE = re.compile(rb"\* BYE(?: (.*))?", re.IGNORECASE | re.DOTALL)


class Protocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc] # an untyped class
    """One connection's dialogue; `observer` sees each untagged response as it comes."""

    pending_sync_command: Exchange | None
    transport: Any  # a transport of asyncio, or None before it is connected

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        observer: Callable[[Frame], None],
    ) -> None:
        super().__init__(loop)
        self.pending_sync_command = None
        self.transport = None
        self.closed = asyncio.Event()
        self.greeting: asyncio.Future[bytes] = loop.create_future()
        self.failure: TemporaryError | None = None
        self._limits = limits
        self._framer = Framer(limits, self._awaits_messages)
        self._observer = observer
        self._octets = 0
        self._line_octets = 0
        self._clear_text_ends = False

    # -- what asyncio calls ------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take the next octets, whatever they are."""
        if self.failure is not None:
            return
        try:
            self._receive(data)
        except TemporaryError as error:
            self.fail(error)
        except aioimaplib.Error as error:  # an answer to no command of ours
            self.fail(TemporaryError(printable(str(error).encode())))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whatever waits."""
        super().connection_lost(exc)
        self.fail(TemporaryError(f"the connection was lost: {exc or 'end of file'}"))
        self.closed.set()

    # -- what the connection calls -----------------------------------------------------

    @property
    def hears(self) -> bool:
        """True if `closed` will come: while TLS begins asyncio tells us of no end."""
        transport = self.transport
        return transport is not None and transport.get_protocol() is self

    def begin(
        self, name: str, segments: Iterable[bytes], keep: bool = True
    ) -> Exchange:
        """Send a command; the exchange is to be awaited."""
        self._refuse_if_closed()
        if self.pending_sync_command is not None:
            raise RuntimeError("a connection has one owner and one command at a time")
        self._octets = self._line_octets = 0
        exchange = Exchange(name, self.new_tag(), segments, keep)
        self.pending_sync_command = exchange
        first = exchange.segments.popleft()
        self.transport.write(b"%s %s" % (exchange.tag.encode(), first))
        return exchange

    def done(self) -> None:
        """Ask the server to end IDLE (RFC 2177)."""
        self._refuse_if_closed()
        self.transport.write(b"DONE" + CRLF)

    def fail(self, error: TemporaryError) -> None:
        """End the connection; everything that waits, now or later, has this error."""
        if self.failure is not None:
            return
        self.failure = error
        if self.transport is not None:
            self.transport.abort()
        if not self.greeting.done():
            self.greeting.set_exception(error)
            self.greeting.exception()  # nobody may be left to ask
        if self.pending_sync_command is not None:
            self.pending_sync_command.fail(error)

    async def start_tls(
        self, context: ssl.SSLContext, host: str, timeout: float
    ) -> None:
        """Go on in TLS, after STARTTLS was agreed to."""
        transport = await self.loop.start_tls(
            self.transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=timeout,
        )
        # CPython gives none if the connection is lost in a way that is no error.
        if transport is None:
            self._refuse_if_closed()
            raise ConnectionResetError("it hung up in the middle of TLS")
        self.transport = transport
        self._clear_text_ends = False

    # -- responses ---------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        pending = self.pending_sync_command
        self._octets += len(data)
        if pending is not None:
            pending.on_progress()
            if pending.keep and self._octets > self._most_octets(pending):
                raise TemporaryError("the server answers without end")
        for frame in self._framer.feed(data):
            self._refuse_injected()
            self._dispatch(frame)
        if self._framer.pending:
            self._refuse_injected()
            reach(Point.C2)

    def _most_octets(self, pending: Exchange) -> int:
        limits = self._limits
        return limits.octets if self._awaits_messages() else limits.answer

    def _awaits_messages(self) -> bool:
        pending = self.pending_sync_command
        return pending is not None and pending.name == "UID FETCH"

    def _refuse_injected(self) -> None:
        # What follows the answer to STARTTLS in the clear is not the server's.
        if self._clear_text_ends:
            raise TemporaryError("the server went on in the clear after STARTTLS")

    def _dispatch(self, frame: Frame) -> None:
        line = frame[0]
        if bye := _BYE.fullmatch(line):
            self._take_farewell(bye[1] or b"")
        elif not self.greeting.done():
            self._take_greeting(line)
        elif line.startswith(b"* "):
            self._take_untagged(frame)
        elif line.startswith(b"+"):
            self._continuation(line)
        else:
            self._take_tagged(line)

    def _take_farewell(self, text: bytes) -> None:
        pending = self.pending_sync_command
        if pending is None or pending.name != "LOGOUT":
            raise farewell(text, entered=self.state == aioimaplib.AUTH)

    def _take_greeting(self, line: bytes) -> None:
        greeting = _GREETING.fullmatch(line)
        if not greeting:
            raise TemporaryError("this is not an IMAP server")
        # Only the status decides: the word may stand in the text as well.
        preauth = greeting[1].upper() == b"PREAUTH"
        self.state = aioimaplib.AUTH if preauth else aioimaplib.NONAUTH
        self.greeting.set_result(greeting[2] or b"")

    def _take_untagged(self, frame: Frame) -> None:
        pending = self.pending_sync_command
        if pending is not None and pending.keep:
            self._keep(pending, frame)
        self._observer(frame)

    def _keep(self, pending: Exchange, frame: Frame) -> None:
        pending.frames.append(frame)
        if len(pending.frames) > self._limits.responses:
            raise TemporaryError("the server sent too many responses")
        # Read, octets of lines cost the tenfold, and those of literals nothing.
        self._line_octets += sum(map(len, frame[::2]))
        if self._line_octets > self._limits.answer:
            raise TemporaryError("the server answers without end")

    def _continuation(self, line: bytes) -> None:
        pending = self.pending_sync_command
        if pending is None:
            raise TemporaryError("the server asked for more of no command")
        if pending.segments:
            self.transport.write(pending.segments.popleft())
        elif pending.name == "IDLE":
            pending.accepted.set()
        elif pending.name == "AUTHENTICATE" and not pending.accepted.is_set():
            # An empty answer to the reason of a refusal brings the refusal itself.
            pending.accepted.set()
            self.transport.write(CRLF)
        else:
            raise TemporaryError("the server asked for more of a complete command")

    def _take_tagged(self, line: bytes) -> None:
        tagged = _TAGGED.fullmatch(line)
        if not tagged:
            raise TemporaryError("the server sent what is not IMAP")
        pending = self.pending_sync_command
        tag, result, text = tagged.groups(b"")
        if pending is not None and pending.segments and result.upper() == b"OK":
            raise TemporaryError("the server agreed to what was not said to its end")
        self._response_done(b"%s %s %s" % (tag, result.upper(), text))
        if (
            pending is not None
            and pending.name == "STARTTLS"
            and result.upper() == b"OK"
        ):
            self.transport.pause_reading()
            self._clear_text_ends = True

    def _refuse_if_closed(self) -> None:
        if self.failure is not None:
            raise type(self.failure)(str(self.failure)) from self.failure
