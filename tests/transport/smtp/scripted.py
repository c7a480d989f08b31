"""An SMTP server on loopback that says exactly what a test tells it to say."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = None
SILENCE = b""
OK = b"250 2.0.0 OK\r\n"


@dataclass
class ScriptedServer:
    """What to answer, and what was heard.

    `replies` maps the beginning of a command line (or `.` for the end of the content)
    to the octets that answer it, the longest match counting; `HANG_UP` ends the
    connection, `SILENCE` answers nothing. `said` holds the commands of all connections,
    `contents` the octets that were ended by a dot, `begun` those of an open DATA.
    With `drip` there are so many seconds between the octets of a reply; a `deaf` server
    reads no content, and one with a `content_limit` hangs up after so many octets. The
    reply to `forget_after` is given once, and then forgotten.
    """

    extensions: tuple[str, ...] = ("SIZE 1000000", "8BITMIME", "SMTPUTF8")
    replies: dict[str, bytes | None] = field(default_factory=dict)
    drip: float = 0
    deaf: bool = False
    content_limit: int | None = None
    forget_after: str | None = None
    port: int = 0
    connections: int = 0
    ended_connections: int = 0
    said: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    begun: bytearray = field(default_factory=bytearray)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    writer: asyncio.StreamWriter | None = None

    def commands(self, verb: str) -> list[str]:
        """The commands that begin with this word."""
        return [line for line in self.said if line.startswith(verb)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once this holds; asked whenever a client did something."""
        async with asyncio.timeout(10), self.heard:
            await self.heard.wait_for(holds)

    async def has_heard(self, content: bytes) -> None:
        """Return once an open DATA ends with these octets."""
        await self.until(lambda: self.begun.endswith(content))

    async def has_contents(self, count: int) -> None:
        """Return once so many contents were ended by a dot."""
        await self.until(lambda: len(self.contents) >= count)

    async def speak(self, octets: bytes) -> None:
        """Say something out of turn, and return once it is on its way."""
        assert self.writer is not None
        self.writer.write(octets)
        await self.writer.drain()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Talk to one client until one of the two hangs up."""
        self.connections += 1
        self.writer = writer
        await self._tell()
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            return  # The client has gone, which many of the tests want it to do.
        finally:
            self.ended_connections += 1
            writer.close()
            await self._tell()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        line = "GREETING"
        while (reply := self._reply(line)) is not HANG_UP:
            await self._say(writer, reply)
            if line == "DATA" and b"354" in reply:
                await self._take_content(reader)
                line = "."
            else:
                line = (await reader.readuntil(b"\r\n"))[:-2].decode()
                self.said.append(line)
                await self._tell()

    async def _say(self, writer: asyncio.StreamWriter, reply: bytes) -> None:
        parts = [reply[i : i + 1] for i in range(len(reply))] if self.drip else [reply]
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(self.drip)

    async def _take_content(self, reader: asyncio.StreamReader) -> None:
        self.begun.clear()
        if self.deaf:
            await self.ended.wait()
            raise ConnectionResetError
        while not self.begun.endswith(b"\r\n.\r\n"):
            chunk = await reader.read(65536)
            if not chunk or len(self.begun) > (self.content_limit or math.inf):
                raise ConnectionResetError
            self.begun += chunk
            await self._tell()
        self.contents.append(bytes(self.begun[: -len(b".\r\n")]))
        await self._tell()

    async def _tell(self) -> None:
        async with self.heard:
            self.heard.notify_all()

    def _reply(self, line: str) -> bytes | None:
        usual = {
            "GREETING": b"220 scripted\r\n",
            "EHLO": self._ehlo(),
            "AUTH": b"235 2.7.0 OK\r\n",
            "DATA": b"354 go on\r\n",
            "QUIT": b"221 bye\r\n",
        }
        script = usual | self.replies
        best = max((key for key in script if line.startswith(key)), key=len, default="")
        if best and best == self.forget_after:
            return self.replies.pop(best)
        return script.get(best, OK)

    def _ehlo(self) -> bytes:
        lines = ["250-scripted", *(f"250-{each}" for each in self.extensions)]
        return "\r\n".join([*lines, "250 HELP", ""]).encode()


@asynccontextmanager
async def scripted_server(
    server: ScriptedServer, context: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    """The server, listening until the end of the block; with a context in TLS."""
    clients: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[asyncio.current_task()] = writer
        await server.serve(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        server.ended.set()
        for writer in clients.values():
            writer.transport.abort()
        await asyncio.gather(*filter(None, clients))
