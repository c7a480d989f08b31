"""Accounts on IMAP servers that are not ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from postroom.commands.demo.imap import ImapPlayground
from postroom.transport.imap.account import ImapAccount
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.scripted import account_at
from tests.transport.served import Contents, Serve, Served


@asynccontextmanager
async def on_pymap() -> AsyncIterator[Served]:
    """An account of pymap, in this process, without TLS."""
    async with ImapPlayground("ann", "secret") as server:

        def account(password: str) -> ImapAccount:
            return account_at(server.port, password=password)

        async def contents() -> Contents:
            found = await server.mailboxes()
            return {
                name: [(each.flags, each.content) for each in stored]
                for name, stored in found.items()
            }

        yield Served(account, server.deliver, contents)


def dovecot_account(
    server: DovecotServer,
    certificates: Certificates,
    tls: Tls,
    user: str,
    password: str | None = None,
) -> ImapAccount:
    """An account of Dovecot."""
    port = server.ports.imaps if tls is Tls.IMPLICIT else server.ports.imap
    return account_at(
        port,
        tls=tls,
        trust=Trust(certificates.authority),
        user=user,
        password=password or (lambda: server.password),
    )


def on_dovecot(
    server: DovecotServer, certificates: Certificates, tls: Tls = Tls.IMPLICIT
) -> Serve:
    """Accounts of Dovecot; messages are delivered there byte for byte."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[Served]:
        user = server.new_user()

        async def deliver(raw: bytes) -> None:
            await asyncio.to_thread(server.append, user, raw)

        async def contents() -> Contents:
            found = await asyncio.to_thread(server.mailboxes, user)
            return {
                name: [(each.flags, each.raw) for each in stored]
                for name, stored in found.items()
            }

        account = partial(dovecot_account, server, certificates, tls, user)
        yield Served(account, deliver, contents)

    return serve
