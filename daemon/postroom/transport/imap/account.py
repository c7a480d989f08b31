"""Access to the mailboxes of one IMAP account."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from postroom.ports import AccountReport
from postroom.transport.imap.connection import Connection, connected
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.responses import listed
from postroom.transport.imap.server import Server, Timings
from postroom.transport.tls import Tls


class ImapAccount:
    """The `Account` of an IMAP server.

    `password` may be a function, asked in a thread before each login, so that a changed
    secret is picked up.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        user: str,
        password: str | Callable[[], str],
        tls: Tls,
        context: ssl.SSLContext | None,
        timings: Timings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._server = Server(host, port, tls, context)
        self._user = user
        self._password = password
        self._timings = timings or Timings()
        self._limits = limits or Limits()

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        return self._name

    @asynccontextmanager
    async def open(self, mailbox: str) -> AsyncIterator[ImapMailbox]:
        """Connect, log in and select; log out at the end."""
        async with self._logged_in() as connection:
            selected = ImapMailbox(self._name, mailbox, connection)
            await selected.select()
            yield selected

    async def probe(self) -> AccountReport:
        """Log in, look, and log out."""
        async with self._logged_in() as connection:
            exchange = await connection.run_long("LIST", b'""', b'"*"')
            with connection.reading():
                mailboxes = [box for box in listed(exchange.frames) if box.selectable]
            names = sorted(connection.names.to_user(box.name) for box in mailboxes)
            return AccountReport(
                connection.capabilities, tuple(names), connection.names.delimiter
            )

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[Connection]:
        password = await self._secret()
        async with connected(self._server, self._timings, self._limits) as connection:
            await connection.login(self._user, password)
            yield connection

    async def _secret(self) -> str:
        if isinstance(self._password, str):
            return self._password
        return await asyncio.to_thread(self._password)  # it may run a program
