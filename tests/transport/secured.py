"""A server on loopback that speaks TLS, and keeps all that it hears in it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from postroom.transport.imap.account import ImapAccount
from postroom.transport.smtp import SmtpRelay
from postroom.transport.tls import Tls, Trust
from tests.transport.imap.scripted import account_at
from tests.transport.smtp.dealings import submission

_IMAP_ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS\r\n",
    "LIST": '* LIST (\\Noselect) "/" ""\r\n',
}
_SMTP_ANSWERS = {"EHLO": "250-scripted\r\n250 STARTTLS\r\n", "QUIT": "221 bye\r\n"}


@dataclass
class Secured:
    """A server of one protocol, in TLS at once or after STARTTLS.

    `heard` has the lines of all clients in TLS, `shown` the certificate that was
    shown with each.
    """

    protocol: str
    tls: Tls
    context: ssl.SSLContext
    port: int = 0
    heard: list[str] = field(default_factory=list)
    shown: list[bytes | None] = field(default_factory=list)

    def client(self, trust: Trust) -> ImapAccount | SmtpRelay:
        """A client of this server, with a method `probe`."""
        if self.protocol == "imap":
            return account_at(self.port, tls=self.tls, trust=trust)
        return SmtpRelay(submission(self.port, self.tls, trust))

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Talk to one client until it hangs up."""
        try:
            await self._converse(reader, writer)
        except (ConnectionError, ssl.SSLError):
            return  # The client has gone, as it should from the wrong server.
        finally:
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"* OK hello\r\n" if self.protocol == "imap" else b"220 hello\r\n")
        secured = self.tls is Tls.IMPLICIT
        while line := (await reader.readline()).decode():
            if secured:
                self._note(line, writer)
            writer.write(self._answer(line).encode())
            if "STARTTLS" in line:
                await writer.start_tls(self.context)
                secured = True

    def _note(self, line: str, writer: asyncio.StreamWriter) -> None:
        self.heard.append(line)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        self.shown.append(connection.getpeercert(binary_form=True))

    def _answer(self, line: str) -> str:
        if self.protocol == "imap":
            tag, command = line.split()[:2]
            return f"{_IMAP_ANSWERS.get(command, '')}{tag} OK done\r\n"
        command = line.split()[0]
        return _SMTP_ANSWERS.get(command, "220 go on\r\n")


@asynccontextmanager
async def secured(
    protocol: str, tls: Tls, context: ssl.SSLContext
) -> AsyncIterator[Secured]:
    """The server, listening until the end of the block."""
    server = Secured(protocol, tls, context)
    clients: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(asyncio.current_task())
        await server.serve(reader, writer)

    at_once = context if tls is Tls.IMPLICIT else None
    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=at_once)
    server.port = listening.sockets[0].getsockname()[1]
    async with asyncio.timeout(30), listening:
        yield server
        await asyncio.gather(*filter(None, clients))
