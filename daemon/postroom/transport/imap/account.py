"""Access to the mailboxes of one IMAP account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import count

from postroom.ports import AccountReport, Placement
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.names import Spellings
from postroom.transport.imap.reaching import connected
from postroom.transport.imap.sentmail import find_sent
from postroom.transport.imap.server import Server, Timings
from postroom.transport.imap.session import ImapSession
from postroom.transport.tls import Tls, Trust


class ImapAccount:
    """The `Account` of an IMAP server.

    `password` may be a function, asked in a thread before each login, so that a changed
    secret is picked up. Without one the certificate of the connection is the login.
    `watched` are the mailboxes that are watched, as the settings call them: whatever a
    rule calls one of these, it is answered by that name.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        user: str,
        password: str | Callable[[], str] | None,
        tls: Tls,
        trust: Trust,
        watched: Sequence[str] = (),
        timings: Timings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._server = Server(host, port, tls, trust)
        self._user = user
        self._password = password
        self._watched = tuple(watched)
        self._timings = timings or Timings()
        self._limits = limits or Limits()
        self._generations = count(1)

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        return self._name

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ImapSession]:
        """Connect and log in; log out at the end."""
        async with self._logged_in() as connection:
            yield ImapSession(self._name, connection, self._spellings(connection))

    async def probe(self) -> AccountReport:
        """Log in, look, and log out."""
        async with self._logged_in() as connection:
            there = await connection.directory.mailboxes(self._watched)
            spelled = set(map(self._spellings(connection).of, there))
            watched = there.intersection(self._watched)
            return AccountReport(
                connection.capabilities,
                tuple(sorted(spelled | watched)),
                connection.names.delimiter,
                await connection.directory.uses(),
            )

    async def find_sent(
        self, message_ids: Collection[str]
    ) -> dict[str, Placement] | None:
        """Log in, look into the mailbox of what was sent, and log out."""
        async with self._logged_in() as connection:
            return await find_sent(connection, self._name, message_ids)

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[Connection]:
        password = await self._secret()
        async with connected(
            self._server, self._timings, self._limits, next(self._generations)
        ) as connection:
            await connection.login(self._user, password)
            yield connection

    def _spellings(self, connection: Connection) -> Spellings:
        return Spellings(connection.names, self._watched)

    async def _secret(self) -> str | None:
        if self._password is None or isinstance(self._password, str):
            return self._password
        return await asyncio.to_thread(self._password)  # it may run a program
