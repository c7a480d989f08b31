"""From nothing to a connection, and back: what was opened is closed in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.errors import TemporaryError, TooManyConnections, Unreached
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.server import Server, Timings


@asynccontextmanager
async def connected(
    server: Server, timings: Timings, limits: Limits, generation: int
) -> AsyncIterator[Connection]:
    """A connection, logged out and closed at the end whatever happens; `Unreached` if
    there is none."""
    connection = Connection(server, timings, limits, generation)
    try:
        await _reach(connection)
        try:
            yield connection
        finally:
            await connection.logout()
    finally:
        await connection.close()


async def _reach(connection: Connection) -> None:
    try:
        await connection.open()
    except TemporaryError as error:
        # In the clear anybody may say that there are too many.
        if isinstance(error, TooManyConnections) and connection.protected:
            raise
        raise Unreached(str(error)) from error
