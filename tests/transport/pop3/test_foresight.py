"""What comes while the messages before it are handled, and what goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from postroom.errors import Blameless
from postroom.ports import Mailbox
from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.pop3.account import PopAccount
from postroom.transport.pop3.entrance import Entrance
from postroom.transport.pop3.incoming import Broken
from postroom.transport.pop3.server import Server
from postroom.transport.pop3.session import Custody
from postroom.transport.tls import Tls, Trust
from tests.servers.maildrop import Maildrop, serving_maildrop
from tests.transport.served import letter

Story = Callable[[PopAccount, Maildrop], Awaitable[None]]


@asynccontextmanager
async def opened(account: PopAccount) -> AsyncIterator[Mailbox]:
    """INBOX in a session of its own."""
    async with account.connect() as session:
        yield await session.open("INBOX")


@pytest.fixture
def maildrop() -> Iterator[Maildrop]:
    """A POP3 server that can misbehave; empty."""
    with serving_maildrop() as drop:
        yield drop


def tell(folder: Path, maildrop: Maildrop, story: Story) -> None:
    """Tell a story about twenty messages that are kept on the server."""
    maildrop.put(*(letter(f"message {number}") for number in range(1, 21)))
    server = Server(maildrop.host, maildrop.port, Tls.NONE, Trust())
    clock = SystemClock()

    async def main() -> None:
        async with (
            asyncio.timeout(60),
            open_store(folder / "s.db", clock=clock) as store,
        ):
            maildir = Maildir(folder / "Maildir")
            custody = Custody("isp", maildir, None, store, clock.now)
            entrance = Entrance(server, maildrop.user, maildrop.password)
            await story(PopAccount(entrance, custody), maildrop)

    asyncio.run(main())


async def take(account: PopAccount, *counts: int) -> None:
    """Ask for so many of the first messages, then for so many more, in a session."""
    async with opened(account) as mailbox:
        uids = await mailbox.uids_after(0)
        for count in counts:
            asked, uids = uids[:count], uids[count:]
            assert len(await mailbox.headers(asked)) == count


def retrieved(maildrop: Maildrop) -> list[int]:
    """The numbers that were retrieved in the last session."""
    return [int(number) for number in maildrop.sessions[-1].said("RETR")]


def test_twice_as_many_come_while_a_batch_is_handled(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    async def story(account: PopAccount, maildrop: Maildrop) -> None:
        await take(account, 3)
        assert retrieved(maildrop) == [*range(1, 10)]
        await take(account, 20)
        assert retrieved(maildrop) == [*range(10, 21)]

    tell(tmp_path, maildrop, story)


def test_one_that_ends_the_connection_is_named_and_held_against_no_other(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    async def story(account: PopAccount, maildrop: Maildrop) -> None:
        maildrop.answers["RETR 6"] = None
        for _ in range(3):
            with pytest.raises(Broken) as failure:
                await take(account, 3, 1)
            assert failure.value.listed.number == 6
        assert isinstance(failure.value, Blameless)
        # What came before it is here, and is not retrieved again.
        assert retrieved(maildrop)[:1] == [6]

    tell(tmp_path, maildrop, story)


def test_what_was_stored_and_is_not_here_any_more_is_retrieved_again(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    """Nobody has looked at it yet: its Maildir was away, or is another one now."""

    async def story(account: PopAccount, maildrop: Maildrop) -> None:
        await take(account, 20)
        for file in (tmp_path / "Maildir" / "new").iterdir():
            file.unlink()
        await take(account, 20)
        assert retrieved(maildrop) == [*range(1, 21)]

    tell(tmp_path, maildrop, story)


def test_a_session_that_fails_leaves_nothing_at_work(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    async def story(account: PopAccount, maildrop: Maildrop) -> None:
        before = asyncio.all_tasks()
        with pytest.raises(AssertionError):
            await take(account, 3, 100)
        assert asyncio.all_tasks() == before
        assert maildrop.said("DELE") == []

    tell(tmp_path, maildrop, story)


def test_what_was_retrieved_is_acted_upon_without_a_look_for_its_file(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    async def story(account: PopAccount, maildrop: Maildrop) -> None:
        async with opened(account) as mailbox:
            uids = await mailbox.uids_after(0)
            await mailbox.headers(uids)
            for file in [*(tmp_path / "Maildir" / "new").iterdir()]:
                # A look would find this one, for it comes to `cur` last.
                (tmp_path / "Maildir" / "cur" / f"{file.name}:2,").hardlink_to(file)
            assert [*await mailbox.move(uids, "Old")] == uids
        moved = [file.parent.name for file in (tmp_path / "Maildir/.Old").rglob("*.*")]
        assert moved == ["new"] * len(uids)

    tell(tmp_path, maildrop, story)
