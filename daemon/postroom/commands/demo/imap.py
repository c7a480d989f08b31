"""An IMAP server for the playground: the real protocol on loopback, nothing on disk.

It listens on a free port of 127.0.0.1 while its context is open, runs in the loop that
opened it, and ends its connections when it closes.
"""

from __future__ import annotations

import asyncio
import secrets
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Identity, Login, Session
from pymap.backend.dict.mailbox import MailboxData
from pymap.concurrent import Event
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from postroom.mail.header import Header

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Stored:
    """A message as it lies in a mailbox: its flags, and all of its octets."""

    flags: frozenset[str]
    content: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return Header.parse(self.content).text("Subject")


class ImapPlayground:
    """An IMAP server in memory with one user: IDLE, MOVE and UIDPLUS, but no TLS."""

    def __init__(self, user: str, password: str) -> None:
        self._config = _ImapConfig(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=HOST,
            port=0,
            tls_enabled=False,
            # A slow hash would hold up the loop at each login, and protect nothing.
            hash_context=Cleartext(),
            demo_data=False,
            demo_user=user,
            demo_password=password,
        )
        self._login = _Login(self._config)
        self._answer = IMAPServer(self._login, self._config)
        self._connections: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._config.apply_context()
        user = UserMetadata(
            self._config,
            self._config.demo_user,
            password=self._config.demo_password,
        )
        await self._login.demo_user_identity.set(user)
        self._stack.push_async_callback(self._end_connections)
        server = await asyncio.start_server(self._serve, HOST, 0)
        self._stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def deliver(self, raw: bytes) -> None:
        """Put a message into INBOX, as new mail; a client that holds IDLE is told."""
        message = AppendMessage(raw, datetime.now(UTC))
        async with self._login.demo_user_identity.new_session() as session:
            await session.append_messages("INBOX", [message])

    async def mailboxes(self) -> dict[str, list[Stored]]:
        """What every mailbox holds now, in the order of arrival."""
        async with self._login.demo_user_identity.new_session() as session:
            mailboxes = session.mailbox_set
            tree = await mailboxes.list_mailboxes()
            names = [entry.name for entry in tree.list() if entry.exists]
            return {
                name: await _stored(await mailboxes.get_mailbox(name)) for name in names
            }

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            peer = SocketInfo.get(writer, None, unique_id=secrets.token_bytes(8))
            await self._answer(reader, writer, peer)
            await writer.wait_closed()
        except ConnectionError:
            pass  # the client went without LOGOUT, as clients do
        finally:
            self._connections.discard(connection)

    async def _end_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


class _ImapConfig(Config):
    """The settings of the server in memory; its greeting asks no DNS for a name."""

    @property
    def greeting(self) -> bytes:
        return b"Welcome to the playground"


class _Login(Login):
    """Log-ins whose sessions tell at once what came before IDLE."""

    async def authorize(
        self, authenticated: IdentityInterface, authzid: str
    ) -> Identity:
        found = await super().authorize(authenticated, authzid)
        return _Identity(found.name, self, None, found.roles)


class _Identity(Identity):
    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        async with super().new_session() as made:
            yield _Session(made.owner, made.config, made.mailbox_set, made.filter_set)


class _Session(Session):
    """A session that does not sleep over what arrived between a command and IDLE.

    pymap waits for the next event; RFC 2177 leaves no such gap, and real servers tell.
    """

    async def check_mailbox(
        self,
        selected: SelectedMailbox,
        *,
        wait_on: Event | None = None,
        housekeeping: bool = False,
    ) -> SelectedMailbox:
        known = _extent(selected)
        selected = await super().check_mailbox(selected, housekeeping=housekeeping)
        if wait_on is None or _extent(selected) != known:
            return selected
        return await super().check_mailbox(selected, wait_on=wait_on)


def _extent(selected: SelectedMailbox) -> tuple[int, int]:
    return selected.messages.exists, selected.messages.max_uid


async def _stored(mailbox: MailboxData) -> list[Stored]:
    found = []
    async for message in mailbox.messages():
        loaded = await message.load_content(FetchRequirement.CONTENT)
        flags = frozenset(map(str, message.permanent_flags))
        found.append(Stored(flags, bytes(loaded)))
    return found
