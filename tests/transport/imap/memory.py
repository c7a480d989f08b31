"""A network without sockets and a clock without waiting, for thousands of sessions.

Time passes only when nothing else can happen: a deadline of minutes costs nothing, and
a client that waits for what can never come fails its test at once.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Hung(AssertionError):
    """The client waits without a deadline for what never comes."""


class Line(Protocol):
    """A connection as its server sees it."""

    def say(self, octets: bytes, delay: float = 0) -> None:
        """Have the client receive these octets, as one packet, some seconds later."""

    def hang_up(self, error: Exception | None = None) -> None:
        """Have the client lose the connection, after all that was said."""


class Server(Protocol):
    """The other end of the lines of one test."""

    def met(self, line: Line) -> None:
        """A client has connected."""

    def heard(self, line: Line, octets: bytes) -> None:
        """A client has sent these octets."""


class Wire(asyncio.Transport):
    """A connection in memory, as the client sees it, and its server."""

    def __init__(
        self, loop: Loop, client: asyncio.Protocol, server: Server, plug: socket.socket
    ) -> None:
        super().__init__(extra={"socket": plug})
        self._loop = loop
        self._client = client
        self._server = server
        self._ended = False

    def say(self, octets: bytes, delay: float = 0) -> None:
        """Have the client receive these octets, as one packet, some seconds later."""
        if delay:
            self._loop.call_later(delay, self._receive, octets)
        else:
            self._loop.call_soon(self._receive, octets)

    def hang_up(self, error: Exception | None = None) -> None:
        """Have the client lose the connection, after all that was said."""
        self._loop.call_soon(self._end, error)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send these octets to the server."""
        if not self._ended:
            self._loop.call_soon(self._server.heard, self, bytes(data))

    def abort(self) -> None:
        """Close the connection from the client's side."""
        self._loop.call_soon(self._end, None)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who hears what is said."""
        return self._client

    def is_closing(self) -> bool:
        """True once the connection is gone."""
        return self._ended

    def _receive(self, octets: bytes) -> None:
        if not self._ended:
            self._client.data_received(octets)

    def _end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._client.connection_lost(error)


class _Clock(selectors.DefaultSelector):
    """Moves on to the next timer instead of waiting for it."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Hung("nothing can happen any more")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """A loop whose connections lead to `server`, whatever host they name."""

    server: Server

    def __init__(self) -> None:
        self._own_clock = _Clock()
        super().__init__(self._own_clock)
        self._plug = socket.socket()
        self.failures: list[BaseException] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """The seconds that this loop believes have passed."""
        return self._own_clock.now

    def close(self) -> None:
        """Close the loop."""
        self._plug.close()
        super().close()

    async def create_connection(  # type: ignore[override] # one way to connect of many
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        **options: object,
    ) -> tuple[Wire, asyncio.Protocol]:
        """Connect to the server in memory."""
        client = protocol_factory()
        line = Wire(self, client, self.server, self._plug)
        client.connection_made(line)
        self.server.met(line)
        return line, client

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.failures.append(context.get("exception") or Hung(context["message"]))


class Network:
    """Runs clients, one after the other, on a loop of its own."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def run(self, server: Server, client: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """What the client returns, and the seconds that it believes it took.

        Raises what the server raised, and what went wrong behind the client's back.
        """
        loop = self._runner.get_loop()
        assert isinstance(loop, Loop)
        loop.server = server
        start = loop.time()
        result = self._runner.run(client)
        for failure in loop.failures:
            raise failure
        return result, loop.time() - start


@contextmanager
def network() -> Iterator[Network]:
    """A network in memory."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        yield Network(runner)
