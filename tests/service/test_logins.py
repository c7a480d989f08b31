"""Logins are made one at a time, few an hour, and never into a lock-out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import (
    AuthenticationError,
    TemporaryError,
    TooManyConnections,
    Unreached,
)
from postroom.service.events import WatchState
from postroom.service.logins import Entry, Logins, LoginsClosed, LoginTimings
from tests.service.account import MemoryAccount
from tests.service.mailbox import MemoryMailbox
from tests.service.watching import Post, open_post, running, some_turns

NO = AuthenticationError("[AUTHENTICATIONFAILED] no")


def at_post(folder: Path, steps: Callable[[Post], Awaitable[None]]) -> None:
    """Take steps where a store and an observer are."""

    async def run() -> None:
        async with asyncio.timeout(60), open_post(folder) as post:
            await steps(post)

    asyncio.run(run())


def an_account(*refusals: Exception) -> MemoryAccount:
    """An account whose INBOX leaves IDLE at once."""
    box = MemoryMailbox()
    box.may_leave.set()
    return MemoryAccount({"INBOX": box}, list(refusals))  # type: ignore[arg-type] # ours


async def enter(logins: Logins, account: MemoryAccount) -> Entry:
    """Log in, and out again."""
    async with AsyncExitStack() as stack:
        return await logins.enter(account, stack)


async def closed(logins: Logins, account: MemoryAccount) -> LoginsClosed:
    """The reason why nobody is let in."""
    with pytest.raises(LoginsClosed) as refused:
        await enter(logins, account)
    return refused.value


def test_a_wrong_password_is_tried_once_for_all_connections(tmp_path: Path) -> None:
    async def steps(post: Post) -> None:
        account, logins = an_account(NO, NO, NO), post.logins()
        account.door = some_turns  # the server takes its time
        watchers = [post.watcher(account, logins=logins) for _ in range(3)]
        async with running(*[watcher.run() for watcher in watchers]):
            told = await post.until(WatchState.REFUSED, 3)
            await some_turns()
        assert account.tried == 1
        assert "[AUTHENTICATIONFAILED] no" in told.detail

    at_post(tmp_path, steps)


def test_a_refused_password_is_tried_no_more_than_three_times_in_an_hour(
    tmp_path: Path,
) -> None:
    """And after ten times no more, as long as it is the same."""

    async def steps(post: Post) -> None:
        account, logins = an_account(*[NO] * 20), post.logins()
        tries: list[timedelta] = []
        account.on_connect = lambda: tries.append(post.desk.clock.ahead)
        while post.desk.clock.ahead < timedelta(days=30):
            with pytest.raises((AuthenticationError, LoginsClosed)):
                await enter(logins, account)
            post.desk.clock.ahead += timedelta(minutes=1)
        hour = timedelta(hours=1)
        assert max(sum(a <= b < a + hour for b in tries) for a in tries) == 3
        assert len(tries) == 10
        assert (await closed(logins, account)).delay is None

    at_post(tmp_path, steps)


def test_a_changed_secret_is_tried_at_once(tmp_path: Path) -> None:
    """Even one that was given up, and by every connection."""

    async def steps(post: Post) -> None:
        often = LoginTimings(look=0.01, most_refusals=1)
        account, logins = an_account(NO), post.logins(often)
        watchers = [post.watcher(account, logins=logins) for _ in range(3)]
        async with running(*[watcher.run() for watcher in watchers]):
            told = await post.until(WatchState.REFUSED, 3)
            assert told.retry_at is None
            await some_turns()
            assert account.tried == 1
            post.marks.append(2)
            await post.until(WatchState.IDLE, 3)
        assert account.tried == 4

    at_post(tmp_path, steps)


def test_connections_that_do_not_last_bring_few_logins(tmp_path: Path) -> None:
    """A server that lets us in and hangs up at once is no reason for a storm."""

    async def steps(post: Post) -> None:
        account, logins = an_account(), post.logins()
        for _ in range(12):
            await enter(logins, account)
        why = await closed(logins, account)
        assert (why.state, why.delay) == (WatchState.RETRYING, 3600)
        post.desk.clock.ahead += timedelta(seconds=3600)
        await enter(logins, account)

    at_post(tmp_path, steps)


def test_a_login_for_a_connection_that_lasted_does_not_count(tmp_path: Path) -> None:
    async def steps(post: Post) -> None:
        account, logins = an_account(), post.logins()
        for _ in range(50):
            logins.lasted(await enter(logins, account))

    at_post(tmp_path, steps)


def test_a_login_that_was_not_answered_counts(tmp_path: Path) -> None:
    """The server may have counted it, too."""

    async def steps(post: Post) -> None:
        account = an_account(*[TemporaryError("cut")] * 12)
        logins = post.logins()
        for _ in range(12):
            with pytest.raises(TemporaryError):
                await enter(logins, account)
        assert (await closed(logins, account)).delay == 3600

    at_post(tmp_path, steps)


def test_what_never_came_to_a_login_does_not_count(tmp_path: Path) -> None:
    """A network that was away for an hour is there again at once."""

    async def steps(post: Post) -> None:
        account = an_account(*[Unreached("no route")] * 50)
        logins = post.logins()
        for _ in range(50):
            with pytest.raises(TemporaryError):
                await enter(logins, account)
        await enter(logins, account)

    at_post(tmp_path, steps)


def test_a_server_that_wants_fewer_connections_gets_fewer(tmp_path: Path) -> None:
    async def steps(post: Post) -> None:
        full = TooManyConnections("too many")
        logins = post.logins(LoginTimings(crowded=0.01))
        for _ in range(3):
            with pytest.raises(TooManyConnections):
                await enter(logins, an_account(full))
        assert logins.allowed == 1
        await logins.reallotted(3)
        await logins.reallotted(1)  # after a while it is tried again
        assert logins.allowed == 3

    at_post(tmp_path, steps)


def test_a_login_waits_for_the_one_before(tmp_path: Path) -> None:
    """Accounts of one server log in a few at a time, one account one at a time."""

    async def steps(post: Post) -> None:
        gate, opened = asyncio.Semaphore(2), asyncio.Event()
        inside: list[int] = []
        most: list[int] = [0]

        async def door() -> None:
            inside.append(1)
            most[0] = max(most[0], len(inside))
            await opened.wait()
            inside.pop()

        ways = [Logins(lambda: 0, gate, lambda: 1) for _ in range(5)]
        accounts = [an_account() for _ in ways]
        for account in accounts:
            account.door = door
        async with asyncio.TaskGroup() as group:
            for logins, account in zip(ways * 2, accounts * 2, strict=True):
                group.create_task(enter(logins, account))
            await some_turns()
            assert most == [2]
            opened.set()
        assert [account.tried for account in accounts] == [2] * 5

    at_post(tmp_path, steps)


def test_a_poll_while_a_login_is_made_ends_nothing(tmp_path: Path) -> None:
    """What was before is forgiven; the login that fails then is no mistake of ours."""

    async def steps(post: Post) -> None:
        logins, account = post.logins(), an_account(Unreached("no route"))

        async def door() -> None:
            logins.forgive()

        account.door = door
        with pytest.raises(Unreached):
            await enter(logins, account)

    at_post(tmp_path, steps)


def test_a_wait_ends_when_the_owner_wants_a_login_now(tmp_path: Path) -> None:
    async def steps(post: Post) -> None:
        logins = post.logins()
        account = an_account(AuthenticationError("wrong password"))
        with pytest.raises(AuthenticationError):
            await enter(logins, account)
        resting = asyncio.create_task(logins.rest(None))
        await some_turns()
        assert not resting.done()
        logins.forgive()
        async with asyncio.timeout(10):
            await resting
        await enter(logins, account)

    at_post(tmp_path, steps)


def test_what_waits_is_tried_at_once_when_it_is_mended_here(tmp_path: Path) -> None:
    async def steps(post: Post) -> None:
        logins = post.logins()
        resting = asyncio.create_task(logins.rest(600))
        await some_turns()
        assert not resting.done()
        logins.hasten()
        async with asyncio.timeout(10):
            await resting

    at_post(tmp_path, steps)


def test_refused_credentials_are_not_tried_for_what_is_mended_here(
    tmp_path: Path,
) -> None:
    async def steps(post: Post) -> None:
        logins = post.logins()
        account = an_account(AuthenticationError("wrong password"))
        with pytest.raises(AuthenticationError):
            await enter(logins, account)
        logins.hasten()
        with pytest.raises(LoginsClosed):
            await enter(logins, account)

    at_post(tmp_path, steps)
