"""A watched mailbox that is renamed, deleted or can't be selected: said, and picked up
when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postroom.rules.effects import FileInto
from postroom.service.events import MessageHandled, WatchChanged, WatchState
from postroom.service.line import Waits
from postroom.transport.imap.account import ImapAccount
from postroom.transport.tls import Tls, Trust
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.reading import checked
from tests.service.processing import rule
from tests.service.watching import Post, open_post, running

MOVE = rule(FileInto("Filed"))
NAME = "Projects"
SOON = Waits((0.2,))


def make_account(dovecot: DovecotServer, user: str) -> ImapAccount:
    """The user's account."""
    return ImapAccount(
        "home",
        host=dovecot.host,
        port=dovecot.ports.imap,
        user=user,
        password=dovecot.password,
        tls=Tls.NONE,
        trust=Trust(),
    )


def is_told_absent(post: Post) -> bool:
    """True once it was told that there is no such mailbox."""
    changes = post.desk.told(WatchChanged)
    return any(f"there is no mailbox {NAME}" in each.detail for each in changes)


def handled(post: Post) -> list[str]:
    """The subjects of what was handled."""
    return [event.message.subject for event in post.desk.told(MessageHandled)]


def change(dovecot: DovecotServer, user: str, *command: str) -> None:
    """Have another client do something to mailboxes."""
    with dovecot.client(user) as client:
        checked(getattr(client, command[0])(*command[1:]))


@pytest.mark.parametrize(
    "go",
    [("delete", NAME), ("rename", NAME, "Elsewhere")],
    ids=["deleted", "renamed"],
)
def test_a_mailbox_that_goes_while_it_is_watched_is_told_and_taken_up_again(
    tmp_path: Path, dovecot: DovecotServer, go: tuple[str, ...]
) -> None:
    """The one that is there afterwards is another one: all of its mail is new."""
    user = dovecot.new_user()
    dovecot.create(user, NAME)

    async def run() -> None:
        async with asyncio.timeout(60), open_post(tmp_path) as post:
            watcher = post.watcher(make_account(dovecot, user), MOVE, mailbox=NAME)
            watcher.line.unusable = SOON
            async with running(watcher.run()):
                await post.until(WatchState.IDLE, mailbox=NAME)
                await asyncio.to_thread(change, dovecot, user, *go)
                await watcher.watch.ring()
                await post.until_true(lambda: is_told_absent(post))
                await asyncio.to_thread(dovecot.create, user, NAME)
                raw = make_raw(subject="back")
                await asyncio.to_thread(dovecot.append, user, raw, NAME)
                await post.until_true(lambda: handled(post) == ["back"])

    asyncio.run(run())


def test_a_mailbox_that_is_not_there_yet_is_watched_from_its_first_message_on(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    """Even with `existing = "leave"`: what is in it came after the start."""
    user = dovecot.new_user()

    async def run() -> None:
        async with asyncio.timeout(60), open_post(tmp_path) as post:
            watcher = post.watcher(make_account(dovecot, user), MOVE, mailbox=NAME)
            watcher.watch.processor = post.desk.processor(MOVE, adopt_existing=True)
            watcher.line.unusable = SOON
            # The server's clock tells when mail was received.
            post.desk.clock.tells_the_time = True
            async with running(watcher.run()):
                await post.until(WatchState.RETRYING, mailbox=NAME)
                await asyncio.to_thread(dovecot.create, user, NAME)
                raw = make_raw(subject="first")
                await asyncio.to_thread(dovecot.append, user, raw, NAME)
                await post.until_true(lambda: handled(post) == ["first"])

    asyncio.run(run())


def test_a_mailbox_that_can_not_be_selected_is_told_and_taken_up_again(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    """A folder whose owner took our rights away."""
    user = dovecot.new_user()
    dovecot.create(user, NAME)
    folder = dovecot.home / "mail" / user / "Maildir" / f".{NAME}"

    async def run() -> None:
        async with asyncio.timeout(60), open_post(tmp_path) as post:
            watcher = post.watcher(make_account(dovecot, user), MOVE, mailbox=NAME)
            watcher.line.unusable = SOON
            folder.chmod(0)
            async with running(watcher.run()):
                await post.until(WatchState.RETRYING, mailbox=NAME)
                folder.chmod(0o700)
                raw = make_raw(subject="back")
                await asyncio.to_thread(dovecot.append, user, raw, NAME)
                await post.until_true(lambda: handled(post) == ["back"])

    asyncio.run(run())
