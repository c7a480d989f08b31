"""A POP3 server for the playground: the real protocol on loopback, nothing on disk.

It listens on a free port of 127.0.0.1 while its context is open, runs in the loop that
opened it, and ends its connections when it closes.
"""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Self

from postroom.commands.demo.imap import HOST
from postroom.commands.demo.popsession import Maildrop, PopSession

# Commands have 255 octets at most (RFC 2449, section 4).
_LONGEST_COMMAND = 255
# Nobody is logged out sooner (RFC 1939, section 3).
_INACTIVITY = 600


class PopPlayground:
    """A POP3 server in memory with one user: UIDL, TOP and pipelining, but no TLS."""

    def __init__(self, user: str, password: str) -> None:
        self._maildrop = Maildrop(user, password)
        self._changed = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._end_connections)
        server = await asyncio.start_server(
            self._serve, HOST, 0, limit=_LONGEST_COMMAND
        )
        self._stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def deliver(self, raw: bytes) -> None:
        """Put a message into the maildrop; it is there in the next session."""
        self._maildrop.add(raw)

    def messages(self) -> list[bytes]:
        """The octets of what the maildrop holds now, in the order of arrival."""
        return list(self._maildrop.messages.values())

    async def until_empty(self) -> None:
        """Return as soon as the maildrop holds nothing more."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._maildrop.messages)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        session = PopSession(self._maildrop)
        try:
            await self._converse(session, reader, writer)
        except (ConnectionError, IncompleteReadError, LimitOverrunError, TimeoutError):
            pass  # the client went without QUIT, as clients do: nothing is removed
        finally:
            session.close()
            writer.close()
            self._connections.discard(connection)

    async def _converse(
        self, session: PopSession, reader: StreamReader, writer: StreamWriter
    ) -> None:
        await _write(writer, session.greeting)
        while not session.is_over:
            async with asyncio.timeout(_INACTIVITY):
                line = await reader.readuntil(b"\r\n")
            await _write(writer, session.answer(line))
        async with self._changed:
            self._changed.notify_all()

    async def _end_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


async def _write(writer: StreamWriter, lines: Iterable[bytes]) -> None:
    writer.writelines(lines)
    async with asyncio.timeout(_INACTIVITY):
        await writer.drain()
