"""What a test asks of a scripted server, and how it asks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable

from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.login import Auth
from postroom.transport.pop3.retrieval import Piece
from postroom.transport.pop3.server import Server, Timings
from postroom.transport.tls import Tls, Trust
from tests.transport.pop3.scripted import PopServer, pop_server

# Generous, so that a slow machine fails no test; a test of lateness makes one short.
PATIENT = Timings(20, 20, 20, 20, 20, 20, 20)

Use = Callable[[Connection], Awaitable[object]]


def at(port: int, tls: Tls = Tls.NONE, trust: Trust | None = None) -> Server:
    """A server on this port of loopback."""
    return Server("127.0.0.1", port, tls, trust or Trust())


async def nothing(connection: Connection) -> None:
    """Use the connection for nothing."""


def meet(
    server: PopServer,
    use: Use = nothing,
    timings: Timings = PATIENT,
    *,
    auth: Auth = Auth.PASSWORD,
    user: str = "ann",
    password: str = "secret",
) -> None:
    """Let a client log in and use its connection; everything goes over a socket."""

    async def main(connection: Connection) -> None:
        await connection.login(user, password, auth)
        await use(connection)

    reach(server, main, timings)


def reach(
    server: PopServer,
    use: Use = nothing,
    timings: Timings = PATIENT,
    *,
    tls: Tls = Tls.NONE,
    trust: Trust | None = None,
    context: ssl.SSLContext | None = None,
) -> None:
    """Let a client connect and use its connection, without a login."""

    async def main() -> None:
        at_once = tls is Tls.IMPLICIT
        async with (
            asyncio.timeout(30),
            pop_server(server, context, at_once=at_once),
            connected(at(server.port, tls, trust), timings) as connection,
        ):
            await use(connection)

    asyncio.run(main())


async def whole(pieces: AsyncIterable[Piece]) -> dict[int, bytes]:
    """The messages that these pieces make, by number."""
    parts: dict[int, list[bytes]] = {}
    done: set[int] = set()
    async for piece in pieces:
        assert not piece.refusal
        assert piece.number not in done
        parts.setdefault(piece.number, []).append(piece.octets)
        if piece.is_last:
            done.add(piece.number)
    assert done == set(parts)
    return {number: b"".join(octets) for number, octets in parts.items()}


def letters(count: int) -> dict[str, bytes]:
    """So many messages by unique-id, none like another."""
    return {
        f"u{number}": b"Subject: %d\r\n\r\n.dots %s\r\n" % (number, b"." * number)
        for number in range(1, count + 1)
    }
