"""A connection that is cut or goes dead is made anew, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.rules.effects import FileInto
from postroom.service.events import MessageHandled, WatchState
from postroom.transport.imap.account import ImapAccount
from postroom.transport.imap.server import Timings
from postroom.transport.tls import Tls, Trust
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.service.processing import rule
from tests.service.watching import Post, open_post, running

MOVE = rule(FileInto("Filed"))


@pytest.fixture
def proxy(dovecot: DovecotServer) -> Iterator[CountingProxy]:
    """What stands between the watcher and Dovecot."""
    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        yield proxy


def watch(
    folder: Path,
    account: ImapAccount,
    steps: Callable[[Post], Awaitable[None]],
) -> Post:
    """Watch the INBOX while the steps are taken."""

    async def run() -> Post:
        async with asyncio.timeout(60), open_post(folder) as post:
            async with running(post.watcher(account, MOVE).run()):
                await steps(post)
            return post

    return asyncio.run(run())


def make_account(
    dovecot: DovecotServer, proxy: CountingProxy, user: str, timings: Timings
) -> ImapAccount:
    """The user's account, behind the proxy."""
    return ImapAccount(
        "home",
        host=proxy.host,
        port=proxy.port,
        user=user,
        password=dovecot.password,
        tls=Tls.NONE,
        trust=Trust(),
        timings=timings,
    )


def handled(post: Post) -> list[str]:
    """The subjects of what was handled."""
    return [event.message.subject for event in post.desk.told(MessageHandled)]


def test_a_connection_cut_while_idle_is_made_anew_and_nothing_is_missed(
    tmp_path: Path, dovecot: DovecotServer, proxy: CountingProxy
) -> None:
    """Mail that comes while there is no connection is found afterwards."""
    user = dovecot.new_user()
    account = make_account(dovecot, proxy, user, Timings())

    async def steps(post: Post) -> None:
        await post.until(WatchState.IDLE)
        await asyncio.to_thread(dovecot.deliver, user, make_raw(subject="before"))
        await post.until_true(lambda: len(handled(post)) == 1)
        await post.until(WatchState.IDLE, 2)
        proxy.cut()
        await asyncio.to_thread(dovecot.deliver, user, make_raw(subject="meanwhile"))
        await post.until(WatchState.RETRYING)
        await post.until_true(lambda: len(handled(post)) == 2)
        await post.until(WatchState.IDLE, 3)
        await asyncio.to_thread(dovecot.deliver, user, make_raw(subject="after"))
        await post.until_true(lambda: len(handled(post)) == 3)
        await post.until(WatchState.IDLE, 4)

    post = watch(tmp_path, account, steps)
    assert handled(post) == ["before", "meanwhile", "after"]
    assert len(dovecot.mailboxes(user)["Filed"]) == 3
    assert len(proxy.conversations) == 2


def test_a_server_that_goes_dead_in_idle_is_given_up(
    tmp_path: Path, dovecot: DovecotServer, proxy: CountingProxy
) -> None:
    """The probe is not answered; nothing else would ever tell. Nor is the greeting."""
    user = dovecot.new_user()
    hasty = replace(Timings(), idle_probe=0.1, idle_done=0.3, command=0.5, connect=0.5)
    account = make_account(dovecot, proxy, user, hasty)

    async def steps(post: Post) -> None:
        await post.until(WatchState.IDLE)
        proxy.stall()
        told = await post.until(WatchState.RETRYING)
        assert "IDLE" in told.detail
        await post.until(WatchState.RETRYING, 2)
        proxy.resume()
        await asyncio.to_thread(dovecot.deliver, user, make_raw(subject="after"))
        await post.until_true(lambda: handled(post) == ["after"])

    watch(tmp_path, account, steps)
