"""One connection to a maildrop: one owner, and a deadline on everything.

Whatever is late, given up or not understood ends the connection for good, because a
late answer would be taken for that of the next command. Nothing is removed from the
server before `quit` has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Collection,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import replace

from postroom.errors import (
    PermanentError,
    RefusedForNow,
    TemporaryError,
    Unreached,
)
from postroom.failpoints import Point, reach
from postroom.ports import Listed
from postroom.transport.pop3 import retrieval
from postroom.transport.pop3.capabilities import Capabilities
from postroom.transport.pop3.dialogue import Dialogue
from postroom.transport.pop3.listing import ask_listing
from postroom.transport.pop3.login import (
    Auth,
    Credentials,
    Mechanism,
    authenticate,
    log_in,
    log_in_by_digest,
)
from postroom.transport.pop3.retrieval import Piece
from postroom.transport.pop3.server import Server, Timings
from postroom.transport.pop3.wire import Wire
from postroom.transport.tls import Tls, require_protection, tell_failure

# So many messages are asked for at a time: more gain nothing at 40 ms.
WINDOW = 64
# The answers to DELE are short.
_REMOVALS = 512
_MOST_CAPABILITIES = 64 * 1024


@asynccontextmanager
async def connected(server: Server, timings: Timings) -> AsyncIterator[Connection]:
    """A connection to a server that knows nothing of who one is, protected as demanded;
    closed at the end whatever happens. Raises `Unreached` if there is none, and
    `PermanentError` if it can't be protected."""
    connection = Connection(server, timings)
    try:
        try:
            await connection.open()
        except TemporaryError as error:
            raise Unreached(str(error)) from error
        yield connection
    finally:
        await connection.close()


class Connection:
    """A dialogue with a server about one maildrop; use it inside `connected`.

    A method that is cancelled, and a generator that is left before its end, may leave
    answers behind: then the connection is gone.
    """

    def __init__(self, server: Server, timings: Timings) -> None:
        self.capabilities = Capabilities()
        self._server = server
        self._timings = timings
        self._wire = Wire(str(server))
        self._dialogue = Dialogue(self._wire, timings)
        self._greeting = b""

    # -- beginning and end -------------------------------------------------------------

    async def open(self) -> None:
        """Connect, and have the protection that was asked for."""
        require_protection(self._server.tls, self._server.host)
        await self._on_the_network(self._greeted())
        self.capabilities = await self._ask_capabilities()
        if self._server.tls is Tls.STARTTLS:
            await self._start_tls()

    async def close(self) -> None:
        """Disconnect, and see the connection gone; nothing is removed by that."""
        await self._wire.close(self._timings.close)

    # -- commands ----------------------------------------------------------------------

    async def login(self, user: str, password: str, auth: Auth = Auth.PASSWORD) -> None:
        """Log in; from then on `capabilities` are those of this user. Raises
        `AuthenticationError` for wrong credentials, `RefusedForNow` for a maildrop that
        is locked or busy, and `PermanentError` where no password is taken."""
        credentials = Credentials(user, password)
        if auth is Auth.APOP:
            await log_in_by_digest(self._dialogue, self._greeting, credentials)
        else:
            await log_in(self._dialogue, self.capabilities, credentials)
        await self._refresh()

    async def authenticate(self, mechanism: Mechanism) -> None:
        """Log in by any mechanism of SASL; raises what `login` does."""
        await authenticate(self._dialogue, mechanism)
        await self._refresh()

    async def listing(self) -> list[Listed]:
        """What the maildrop holds, by number; `uidl` is empty where there is no UIDL,
        where it names several messages, and where it only says the numbers."""
        pipelining = self.capabilities.pipelining
        return await ask_listing(self._dialogue, pipelining=pipelining)

    def retrieve(
        self, listed: Sequence[Listed], window: int | None = None
    ) -> AsyncGenerator[Piece, None]:
        """These messages, one after the other, dot-unstuffed and with their CRLF as
        they came; small ones in one piece. A window is how many are asked for at a
        time, where the server takes more than one."""
        return retrieval.retrieve(self._dialogue, listed, self._window(window))

    async def headers(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """The headers of these messages; those that were refused are left out."""
        return await retrieval.headers(self._dialogue, numbers, self._window(WINDOW))

    async def remove(self, numbers: Collection[int]) -> frozenset[int]:
        """Have these messages removed by `quit`; those for which the server agreed."""
        return await retrieval.remove(self._dialogue, numbers, self._window(_REMOVALS))

    async def prove(self) -> None:
        """A round trip that proves the connection, whatever the answer is."""
        await self._dialogue.ask(b"NOOP", self._timings.command)

    async def quit(self) -> None:
        """End the session; when this returns, what `remove` told is removed. Raises
        `RefusedForNow` if some of it may be and some not, and `TemporaryError` if
        nobody knows."""
        self._dialogue.begin()
        self._wire.send(b"QUIT")
        reach(Point.P7)
        status = await self._dialogue.short(self._timings.quit)
        self._wire.fail("the session was ended")
        if not status.ok:
            raise RefusedForNow(f"{self._server}: QUIT was refused: {status.text}")

    # -- insides -----------------------------------------------------------------------

    def _window(self, window: int | None) -> int:
        return (window or WINDOW) if self.capabilities.pipelining else 1

    async def _refresh(self) -> None:
        """Ask a server that knows CAPA once more: it may differ by user."""
        if self.capabilities.names:
            after = await self._ask_capabilities()
            # One that says so only before the login does not say so.
            before = replace(self.capabilities, pipelining=False)
            self.capabilities = after if after.names else before

    async def _ask_capabilities(self) -> Capabilities:
        status, lines = await self._dialogue.ask_long(b"CAPA", _MOST_CAPABILITIES)
        return Capabilities.told(lines) if status.ok else Capabilities()

    async def _greeted(self) -> None:
        tls = self._server.tls is Tls.IMPLICIT
        await asyncio.get_running_loop().create_connection(
            lambda: self._wire,
            self._server.host,
            self._server.port,
            ssl=self._server.trusted if tls else None,
            ssl_handshake_timeout=self._timings.connect if tls else None,
        )
        greeting = await self._dialogue.short(self._timings.connect)
        if not greeting.ok:
            raise self._wire.fail(f"it does not want to talk: {greeting.text}")
        self._greeting = greeting.said

    async def _start_tls(self) -> None:
        if not self.capabilities.stls:
            raise PermanentError(f"{self._server}: it does not offer STLS")
        status = await self._dialogue.ask(b"STLS", self._timings.command)
        if not status.ok:
            raise self._wire.fail(f"STLS was refused: {status.text}")
        # RFC 2595, section 4: what was said in the clear is void, anybody may have.
        self.capabilities, self._greeting = Capabilities(), b""
        server, seconds = self._server, self._timings.connect
        await self._on_the_network(
            self._wire.start_tls(server.trusted, server.host, seconds)
        )
        self.capabilities = await self._ask_capabilities()

    async def _on_the_network(self, step: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._timings.connect):
                await step
        except TimeoutError as error:
            raise TemporaryError(f"{self._server}: it does not answer") from error
        except OSError as error:
            raise TemporaryError(f"{self._server}: {tell_failure(error)}") from error
        except ValueError as error:  # such as a UnicodeError of resolving "a..b"
            raise PermanentError(f"{self._server}: it can't be a host") from error
