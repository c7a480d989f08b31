"""An account of any kind, and how what it keeps looks to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from postroom.ports import Account, Mailbox

Contents = dict[str, list[tuple[frozenset[str], bytes]]]


@dataclass(frozen=True)
class Served:
    """An account with an empty INBOX, and how it looks to others; where nobody is asked
    for a password, it is not `locked`."""

    account_with: Callable[[str], Account]
    deliver: Callable[[bytes], Awaitable[None]]
    contents: Callable[[], Awaitable[Contents]]
    password: str = "secret"
    locked: bool = True

    @property
    def account(self) -> Account:
        """The account with its right password."""
        return self.account_with(self.password)


Serve = Callable[[], AbstractAsyncContextManager[Served]]


def letter(subject: str, body: str = "Hello.") -> bytes:
    """A message with this subject."""
    return f"From: ann@example.org\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


@asynccontextmanager
async def opened(account: Account, mailbox: str = "INBOX") -> AsyncIterator[Mailbox]:
    """A mailbox of the account, on a connection of its own."""
    async with account.connect() as session:
        yield await session.open(mailbox)


def use(serve: Serve, story: Callable[[Served, Mailbox], Awaitable[None]]) -> None:
    """Tell a story about an account that has three messages in its INBOX."""

    async def main() -> None:
        async with asyncio.timeout(60), serve() as served:
            for subject in ("one", "two", "three"):
                await served.deliver(letter(subject))
            async with opened(served.account) as mailbox:
                # Whatever is done to messages, their headers were asked for before.
                await mailbox.headers(await mailbox.uids_after(0))
                await story(served, mailbox)

    asyncio.run(main())


async def subjects(served: Served, mailbox: str) -> list[str]:
    """The subjects in a mailbox, as another client sees them."""
    stored = (await served.contents()).get(mailbox, [])
    return [raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for _, raw in stored]
