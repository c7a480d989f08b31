"""Access to the maildrop of one POP3 account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from postroom.ports import AccountReport
from postroom.transport.pop3.entrance import Entrance
from postroom.transport.pop3.session import Custody, PopSession


class PopAccount:
    """The `Account` of a POP3 server."""

    def __init__(self, entrance: Entrance, custody: Custody) -> None:
        self._entrance = entrance
        self._custody = custody
        self._generations = count(1)

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        return self._custody.account

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[PopSession]:
        """Connect and log in; at the end, unless something went wrong, remove what is
        to be kept there no longer, and quit."""
        async with self._entrance.logged_in() as connection:
            session = PopSession(self._custody, connection, next(self._generations))
            try:
                yield session
                await session.settle()
            finally:
                await session.abandon()

    async def probe(self) -> AccountReport:
        """Log in, look, and quit."""
        return await self._entrance.probe()
