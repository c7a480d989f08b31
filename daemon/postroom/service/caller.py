"""Who asks at the control socket, and the lines that go to and fro.

Invariant: nobody is waited for any longer than the deadline.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_PEER = struct.Struct("iII")  # process, user and group: unix(7), SO_PEERCRED


class Gone(Exception):
    """Who asked went away, or is silent for too long, and wants no answer."""


@dataclass(frozen=True)
class Caller:
    """Who asks: their user, and their two ends of the line; `deadline` in seconds."""

    user: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    deadline: float

    async def read(self) -> bytes:
        """The next line; nothing if it is too long."""
        try:
            async with asyncio.timeout(self.deadline):
                return await self.reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            return b""
        except (OSError, EOFError) as error:
            raise Gone from error

    async def tell(self, answer: Mapping[str, object]) -> None:
        """Send an answer."""
        try:
            self.writer.write(json.dumps(answer).encode() + b"\n")
            async with asyncio.timeout(self.deadline):
                await self.writer.drain()
        except OSError as error:  # which TimeoutError is
            raise Gone from error

    async def close(self) -> None:
        """Hang up; what is not read in time is thrown away."""
        self.writer.close()
        try:
            async with asyncio.timeout(self.deadline):
                await self.writer.wait_closed()
        except OSError:  # it was the first to do so, or its time is up
            self.writer.transport.abort()


@asynccontextmanager
async def meet(
    peer: socket.socket, longest: int, deadline: float
) -> AsyncIterator[Caller]:
    """Who is at the other end, until the end of the block or until they are `Gone`;
    `longest` is how many octets a line may have."""
    with suppress(Gone):
        reader, writer = await asyncio.open_unix_connection(sock=peer, limit=longest)
        caller = Caller(_user_of(peer), reader, writer, deadline)
        try:
            yield caller
        finally:
            await caller.close()


def _user_of(peer: socket.socket) -> int:
    octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    user: int = _PEER.unpack(octets)[1]
    return user
