"""An SMTP server for the playground: it takes what is sent, and lets nothing out.

It listens on a free port of 127.0.0.1 while its context is open, runs in the loop that
opened it, and ends its connections when it closes.
"""

from __future__ import annotations

import asyncio
from asyncio import BaseTransport
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from postroom.commands.demo.imap import HOST
from postroom.mail.header import Header


@dataclass(frozen=True)
class Departed:
    """A message that left by SMTP: its envelope, and what was between DATA and dot.

    The sender is `<>` where there is none (RFC 5321, section 4.5.5).
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return Header.parse(self.content).text("Subject")


class SmtpPlayground:
    """A submission server that keeps what it is given and lets nothing out.

    Mail to one of the `local` addresses is handed to its callable as well, so that it
    arrives somewhere.
    """

    def __init__(self, user: str, password: str) -> None:
        self._credentials = (user.encode(), password.encode())
        self._transports: set[BaseTransport] = set()
        self._stack = AsyncExitStack()
        self.local: dict[str, Callable[[bytes], Awaitable[None]]] = {}
        self.departed: list[Departed] = []
        self._one_more = asyncio.Condition()
        self.port = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._new_connection, HOST, 0)
        self._stack.callback(self._end_connections)
        self._stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def until_departed(self, count: int) -> None:
        """Return as soon as so many messages have left."""
        async with self._one_more:
            await self._one_more.wait_for(lambda: len(self.departed) >= count)

    async def handle_DATA(
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep one message; the reply is what the client is told."""
        content = envelope.original_content or b""
        recipients = tuple(envelope.rcpt_tos)
        async with self._one_more:
            sender = envelope.mail_from or ""
            self.departed.append(Departed(sender, recipients, content))
            self._one_more.notify_all()
        for recipient in recipients:
            if deliver := self.local.get(recipient.lower()):
                await deliver(content)
        return "250 2.0.0 kept"

    def _new_connection(self) -> SMTP:
        return _Submission(self, self._accepts, self._transports)

    def _accepts(self, _mechanism: str, user: bytes, password: bytes) -> bool:
        return (user, password) == self._credentials

    def _end_connections(self) -> None:
        for transport in self._transports:
            transport.close()


class _Submission(SMTP):
    """A connection with AUTH but without TLS, that stands in a set while it is open."""

    def __init__(
        self,
        handler: SmtpPlayground,
        accepts: Callable[[str, bytes, bytes], bool],
        open_ones: set[BaseTransport],
    ) -> None:
        super().__init__(
            handler,
            hostname="localhost",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            auth_callback=accepts,
            loop=asyncio.get_running_loop(),
        )
        self._open_ones = open_ones

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._open_ones.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones -= {self.transport}
        super().connection_lost(error)
