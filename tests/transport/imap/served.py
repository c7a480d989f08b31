"""Accounts on servers that are not ours, and how they look to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from postroom.commands.demo.imap import ImapPlayground
from postroom.ports import Account, Mailbox
from postroom.transport.imap.account import ImapAccount
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.scripted import account_at, opened

Contents = dict[str, list[tuple[frozenset[str], bytes]]]


@dataclass(frozen=True)
class Served:
    """An account with an empty INBOX, and how it looks to others."""

    account_with: Callable[[str], Account]
    deliver: Callable[[bytes], Awaitable[None]]
    contents: Callable[[], Awaitable[Contents]]
    password: str = "secret"

    @property
    def account(self) -> Account:
        """The account with its right password."""
        return self.account_with(self.password)


Serve = Callable[[], AbstractAsyncContextManager[Served]]


def letter(subject: str, body: str = "Hello.") -> bytes:
    """A message with this subject."""
    return f"From: ann@example.org\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


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


def use(serve: Serve, story: Callable[[Served, Mailbox], Awaitable[None]]) -> None:
    """Tell a story about an account that has three messages in its INBOX."""

    async def main() -> None:
        async with asyncio.timeout(60), serve() as served:
            for subject in ("one", "two", "three"):
                await served.deliver(letter(subject))
            async with opened(served.account) as mailbox:
                await story(served, mailbox)

    asyncio.run(main())


async def subjects(served: Served, mailbox: str) -> list[str]:
    """The subjects in a mailbox, as another client sees them."""
    stored = (await served.contents()).get(mailbox, [])
    return [raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for _, raw in stored]
