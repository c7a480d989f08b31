"""A local Maildir as an account of its own, without a server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from postroom.errors import AbsentMailbox
from postroom.ports import AccountReport, Mailbox, Standing
from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.maildir.maildir import Letter, Maildir
from postroom.transport.maildir.names import base
from tests.servers.maildir import messages_in
from tests.transport.served import Contents, Served

UIDVALIDITY = 7


@dataclass(frozen=True)
class LocalSession:
    """The folders of the Maildir."""

    maildir: Maildir
    generation: int = 1
    login_delay: float = 0

    async def open(self, mailbox: str) -> Mailbox:
        """A folder, if it is there."""
        if not self.maildir.has(mailbox):
            raise AbsentMailbox(f"there is no folder {mailbox}")
        return MaildirMailbox("home", self.maildir, mailbox, UIDVALIDITY)

    async def standing(self, mailbox: str) -> Standing | None:
        """None: it is opened to see."""
        return None

    async def prove(self) -> None:
        """There is no connection."""


@dataclass(frozen=True)
class LocalAccount:
    """Access to the Maildir; whoever asks is let in."""

    maildir: Maildir
    name: str = "home"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[LocalSession]:
        """Open it."""
        yield LocalSession(self.maildir)

    async def probe(self) -> AccountReport:
        """Its folders."""
        return AccountReport(frozenset(), tuple(self.maildir.folders()), ".")


@asynccontextmanager
async def in_maildir() -> AsyncIterator[Served]:
    """A Maildir in a folder of its own."""
    with TemporaryDirectory(prefix="postroom-maildir-") as folder:
        root, uids = Path(folder) / "Maildir", itertools.count(1)
        maildir = Maildir(root)
        maildir.prepare()

        async def deliver(raw: bytes) -> None:
            now = datetime.now(UTC)
            name = base(now, next(uids), UIDVALIDITY)
            await asyncio.to_thread(maildir.put, [Letter(name, raw, now)])

        yield Served(
            lambda _: LocalAccount(maildir), deliver, contents_of(root), locked=False
        )


def contents_of(root: Path) -> Callable[[], Awaitable[Contents]]:
    """What the Maildir holds, as the standard library reads it."""

    async def contents() -> Contents:
        found = await asyncio.to_thread(messages_in, root)
        return {
            name: [(each.flags, each.raw) for each in stored]
            for name, stored in found.items()
        }

    return contents
