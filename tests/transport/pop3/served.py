"""Accounts on POP3 servers, whose mail is stored in a Maildir here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.pop3.account import PopAccount
from postroom.transport.pop3.entrance import Entrance
from postroom.transport.pop3.server import Server
from postroom.transport.pop3.session import Custody
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.maildrop import serving_maildrop
from tests.transport.maildir.served import contents_of
from tests.transport.served import Serve, Served


@asynccontextmanager
async def on_maildrop() -> AsyncIterator[Served]:
    """An account of the scripted server, without TLS."""
    with serving_maildrop() as drop:

        async def deliver(raw: bytes) -> None:
            drop.put(raw)

        server = Server(drop.host, drop.port, Tls.NONE, Trust())
        async with _account(server, drop.user, deliver) as served:
            yield served


def on_dovecot_pop3(
    server: DovecotServer, certificates: Certificates, tls: Tls = Tls.IMPLICIT
) -> Serve:
    """Accounts of Dovecot; messages are delivered there byte for byte."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[Served]:
        user = server.new_user()

        async def deliver(raw: bytes) -> None:
            await asyncio.to_thread(server.append, user, raw)

        port = server.ports.pop3s if tls is Tls.IMPLICIT else server.ports.pop3
        at = Server(server.host, port, tls, Trust(certificates.authority))
        async with _account(at, user, deliver) as served:
            yield served

    return serve


@asynccontextmanager
async def _account(
    server: Server, user: str, deliver: Callable[[bytes], Awaitable[None]]
) -> AsyncIterator[Served]:
    clock = SystemClock()
    with TemporaryDirectory(prefix="postroom-pop3-") as folder:
        root = Path(folder) / "Maildir"
        async with open_store(Path(folder) / "store.db", clock=clock) as store:
            custody = Custody("home", Maildir(root), None, store, clock.now)

            def account(password: str) -> PopAccount:
                return PopAccount(Entrance(server, user, password), custody)

            yield Served(account, deliver, contents_of(root))
