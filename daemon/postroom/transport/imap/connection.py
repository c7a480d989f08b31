"""One connection to a server: one owner, and a deadline on everything.

Whatever is late, cancelled or not understood ends the connection for good, because a
late answer would be taken for that of the next command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import aioimaplib  # type: ignore[import-untyped] # it ships no types

from postroom.errors import (
    PermanentError,
    TemporaryError,
)
from postroom.failpoints import Point, reach
from postroom.transport.imap import responses
from postroom.transport.imap.client import Client
from postroom.transport.imap.directory import Directory
from postroom.transport.imap.exchange import Exchange, printable
from postroom.transport.imap.failures import failure
from postroom.transport.imap.framing import Frame, Limits
from postroom.transport.imap.idle import Idle
from postroom.transport.imap.login import Proof, proof
from postroom.transport.imap.names import Names
from postroom.transport.imap.namespaces import ask_names
from postroom.transport.imap.protocol import Protocol
from postroom.transport.imap.server import Server, Timings
from postroom.transport.imap.wire import Part, segments
from postroom.transport.tls import Tls, require_protection, tell_failure

log = logging.getLogger(__name__)

# So many alerts of a connection are logged: a server may say them without end.
_MOST_ALERTS = 10

# What a crash may leave without an answer.
_CRASH_POINTS = {
    "UID MOVE": Point.C17,
    "UID STORE": Point.C18,
    "UID COPY": Point.W2,
    "UID EXPUNGE": Point.W3,
}


class Connection:
    """A dialogue with a server; use it inside `connected`."""

    def __init__(
        self, server: Server, timings: Timings, limits: Limits, generation: int
    ) -> None:
        self.generation = generation
        self.capabilities: frozenset[str] = frozenset()
        self.names = Names()
        self.directory = Directory(self)
        self.observer: Callable[[Frame], None] = lambda frame: None
        self._server = server
        self._timings = timings
        self._idle: Idle | None = None
        self._alerts: set[str] = set()
        self._protected = server.tls is not Tls.STARTTLS
        self._protocol = Protocol(asyncio.get_running_loop(), limits, self._observe)

    # -- beginning and end -------------------------------------------------------------

    async def open(self) -> None:
        """Connect, and have the protection that was asked for."""
        require_protection(self._server.tls, self._server.host)
        await self._on_the_network(self._greeted())
        await self.refresh()
        if self._server.tls is Tls.STARTTLS:
            await self._start_tls()

    async def login(self, user: str, password: str | None) -> None:
        """Log in; from then on `capabilities` and `names` are what they will be."""
        if not self._authenticated:
            said = self._proof(user, password)
            exchange = self._protocol.begin(said.command, said.segments)
            await self._answer(exchange, self._timings.login)
            self._protocol.state = aioimaplib.AUTH
            # RFC 3501, section 7.2.1: a login may change them; those that tell it by
            # themselves are not all.
            await self.refresh()
        self.names = await ask_names(self)

    async def refresh(self) -> None:
        """Ask for the capabilities anew."""
        exchange = await self.run("CAPABILITY")
        with self.reading():
            self.capabilities = responses.capabilities(exchange.frames)

    async def logout(self) -> None:
        """Take leave where that is still possible; never fails."""
        with suppress(TemporaryError, PermanentError):
            await self._answer(self._begin("LOGOUT"), self._timings.logout)

    async def close(self) -> None:
        """Disconnect, and see the connection gone."""
        self.abort("it was closed")
        if self._protocol.hears:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timings.logout):
                    await self._protocol.closed.wait()

    def abort(self, reason: str) -> None:
        """Disconnect; from now on everything fails with this reason."""
        self._protocol.fail(TemporaryError(f"{self._server}: {reason}"))

    @property
    def protected(self) -> bool:
        """True once nobody else can have said what is said here, as far as that was
        asked for."""
        return self._protected

    # -- commands ----------------------------------------------------------------------

    async def run(self, name: str, *parts: Part) -> Exchange:
        """Have a short command done; raises what its refusal means."""
        return await self._answer(self._begin(name, *parts), self._timings.command)

    async def run_long(self, name: str, *parts: Part) -> Exchange:
        """Have a command done that may take as long as the server keeps talking."""
        return await self._answer(
            self._begin(name, *parts), self._timings.bulk, self._timings.silence
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """End the connection if an answer can't be understood."""
        try:
            yield
        except TemporaryError as error:
            self.abort(str(error))
            raise

    async def idle(self) -> None:
        """IDLE until `wake` is called or a probe is due; ends by a round trip.

        A cancellation takes effect once IDLE is left; the connection can be used on.
        """
        self._idle = Idle(self._protocol, self._timings)
        try:
            await self._idle.run()
        except TemporaryError as error:
            self.abort(str(error))
            raise

    def wake(self) -> None:
        """End a wait in IDLE."""
        if self._idle is not None:
            self._idle.wake()

    async def lost(self) -> None:
        """Wait for the loss of the connection, and raise it."""
        await self._protocol.closed.wait()
        raise TemporaryError(str(self._protocol.failure))

    # -- insides -----------------------------------------------------------------------

    @property
    def _authenticated(self) -> bool:
        return bool(self._protocol.state == aioimaplib.AUTH)

    def _proof(self, user: str, password: str | None) -> Proof:
        try:
            return proof(self.capabilities, user, password)
        except PermanentError as error:
            raise PermanentError(f"{self._server}: {error}") from error

    async def _greeted(self) -> None:
        server = self._server
        client = Client(
            server.host,
            server.port,
            self._timings.connect,
            server.trusted if server.tls is Tls.IMPLICIT else None,
            self._protocol,
        )
        await client.greeted()

    async def _start_tls(self) -> None:
        if self._authenticated:
            raise PermanentError(f"{self._server}: it greets with PREAUTH, without TLS")
        if "STARTTLS" not in self.capabilities:
            raise PermanentError(f"{self._server}: it does not offer STARTTLS")
        await self.run("STARTTLS")
        # RFC 3501, section 6.2.1: what was announced in the clear is void.
        self.capabilities = frozenset()
        upgrade = self._protocol.start_tls(
            self._server.trusted, self._server.host, self._timings.connect
        )
        await self._on_the_network(upgrade)
        self._protected = True
        await self.refresh()

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

    def _begin(self, name: str, *parts: Part) -> Exchange:
        exchange = self._protocol.begin(name, segments([name.encode(), *parts]))
        if name in _CRASH_POINTS:
            reach(_CRASH_POINTS[name])
        return exchange

    async def _answer(
        self, exchange: Exchange, seconds: float, silence: float | None = None
    ) -> Exchange:
        try:
            async with asyncio.timeout(seconds), asyncio.timeout(silence) as quiet:
                if silence is not None:
                    exchange.on_progress = partial(_extend, quiet, silence)
                await exchange.wait()
        except TimeoutError as error:
            raise TemporaryError(
                f"{self._server}: {exchange.name} took too long"
            ) from error
        finally:
            if not exchange.complete:
                self.abort(f"{exchange.name} was given up")
        if refusal := failure(exchange):
            raise refusal
        return exchange

    def _observe(self, frame: Frame) -> None:
        for code in responses.status_codes([frame]):
            if code.name == "ALERT":  # RFC 3501, section 7.1: to be shown to the user
                self._warn(printable(frame[0]))
        self.observer(frame)

    def _warn(self, alert: str) -> None:
        if alert in self._alerts or len(self._alerts) >= _MOST_ALERTS:
            return
        self._alerts.add(alert)
        log.warning(
            "%s (connection %d): the server warns: %s",
            self._server,
            self.generation,
            alert,
        )


def _extend(deadline: asyncio.Timeout, seconds: float) -> None:
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time() + seconds)
