"""A POP3 account that stores nothing here: looked at, and left as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from postroom.errors import PermanentError
from postroom.ports import Mailbox
from postroom.rules.effects import SetFlags
from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from postroom.transport.pop3.account import PopAccount
from postroom.transport.pop3.entrance import Entrance
from postroom.transport.pop3.server import Server
from postroom.transport.pop3.session import Custody
from postroom.transport.tls import Tls, Trust
from tests.servers.maildrop import CAPABILITIES, Maildrop, serving_maildrop
from tests.transport.served import letter


@pytest.fixture
def maildrop() -> Iterator[Maildrop]:
    """A POP3 server with three messages."""
    with serving_maildrop() as drop:
        drop.put(*(letter(f"message {number}") for number in range(1, 4)))
        yield drop


def look(
    folder: Path, maildrop: Maildrop, story: Callable[[Mailbox], Awaitable[None]]
) -> None:
    """Look into the maildrop."""
    clock = SystemClock()
    server = Server(maildrop.host, maildrop.port, Tls.NONE, Trust())

    async def main() -> None:
        path = folder / "store.db"
        async with asyncio.timeout(60), open_store(path, clock=clock) as store:
            custody = Custody("isp", None, None, store, clock.now)
            entrance = Entrance(server, maildrop.user, maildrop.password)
            async with PopAccount(entrance, custody).connect() as session:
                await story(await session.open("INBOX"))

    asyncio.run(main())


async def read_all(mailbox: Mailbox) -> None:
    """All three, their headers and their contents."""
    uids = await mailbox.uids_after(0)
    found = await mailbox.headers(uids)
    assert [each.subject for each in found] == [f"message {n}" for n in (1, 2, 3)]
    assert await mailbox.contents(uids[1:2]) == {uids[1]: letter("message 2")}


def test_headers_come_by_top_and_one_message_by_retr(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    look(tmp_path, maildrop, read_all)
    assert maildrop.said("TOP") == ["1 0", "2 0", "3 0"]
    assert maildrop.said("RETR") == ["2"]
    assert maildrop.said("DELE") == []


def test_a_server_without_top_gives_all_for_a_header(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    maildrop.answers["TOP"] = b"-ERR what?\r\n"
    look(tmp_path, maildrop, read_all)
    assert maildrop.said("RETR") == ["1", "2", "3", "2"]


def test_a_server_that_removes_what_was_retrieved_is_not_looked_into(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    maildrop.capabilities = (*CAPABILITIES, "EXPIRE 0")
    with pytest.raises(PermanentError, match="EXPIRE 0"):
        look(tmp_path, maildrop, read_all)
    assert maildrop.said("RETR") == []


def test_a_server_without_names_is_not_looked_into(
    tmp_path: Path, maildrop: Maildrop
) -> None:
    maildrop.names = False
    with pytest.raises(PermanentError, match="must be stored in a Maildir"):
        look(tmp_path, maildrop, read_all)


def test_nothing_is_filed_or_marked(tmp_path: Path, maildrop: Maildrop) -> None:
    async def story(mailbox: Mailbox) -> None:
        uids = await mailbox.uids_after(0)
        for refused in (
            mailbox.move(uids, "A"),
            mailbox.copy(uids, "A"),
            mailbox.set_flags(uids, SetFlags(add=frozenset({"\\Seen"}))),
            mailbox.expunge(uids),
            mailbox.trash_name(),
        ):
            with pytest.raises(PermanentError, match="maildir = false"):
                await refused

    look(tmp_path, maildrop, story)
    assert len(maildrop.letters) == 3
