"""How one gets into a maildrop: where it is, and what proves who one is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from postroom.mail.names import INBOX
from postroom.ports import AccountReport
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.login import Auth
from postroom.transport.pop3.server import Server, Timings

_TIMINGS = Timings()


@dataclass(frozen=True)
class Entrance:
    """A login at a POP3 server. `password` may be a function, asked in a thread before
    each login, so that a changed secret is picked up."""

    server: Server
    user: str
    password: str | Callable[[], str] = field(repr=False)
    auth: Auth = Auth.PASSWORD
    timings: Timings = _TIMINGS

    @asynccontextmanager
    async def logged_in(self) -> AsyncIterator[Connection]:
        """A connection that is logged in, closed at the end."""
        password = await self._secret()
        async with connected(self.server, self.timings) as connection:
            await connection.login(self.user, password, self.auth)
            yield connection

    async def probe(self) -> AccountReport:
        """Log in, look, and quit."""
        async with self.logged_in() as connection:
            capabilities = connection.capabilities
            await connection.quit()
        return AccountReport(capabilities.names, (INBOX,), None)

    async def _secret(self) -> str:
        if isinstance(self.password, str):
            return self.password
        return await asyncio.to_thread(self.password)  # it may run a program
