"""Visits of a maildrop: at each ring, one at a time, and never too soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import AuthenticationError, TemporaryError
from postroom.service.events import WatchState
from postroom.service.rounds import Rounds
from tests.service.account import MemoryAccount
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import rule
from tests.service.watching import Post, open_post

HOUR = 3600


@dataclass
class Visited:
    """An account that is visited, and who visits it."""

    post: Post
    account: MemoryAccount
    rounds: Rounds

    async def until_left(self, times: int) -> None:
        """Wait until so many visits have ended well."""
        await self.post.until(WatchState.POLLING, times)


@asynccontextmanager
async def visits(
    folder: Path, account: MemoryAccount, least: float = 0
) -> AsyncIterator[Visited]:
    """Visit the account until the end of the block."""
    async with asyncio.timeout(60), open_post(folder) as post:
        watch = post.watch(rule())
        rounds = Rounds(watch, post.line(account), post.desk.clock, least)
        task = asyncio.ensure_future(rounds.run())
        try:
            yield Visited(post, account, rounds)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def give_turns() -> None:
    """Let whatever can happen at once happen."""
    for _ in range(50):
        await asyncio.sleep(0)


def an_account() -> MemoryAccount:
    """An account with an empty INBOX."""
    return MemoryAccount({"INBOX": MemoryMailbox()})


def test_each_ring_is_a_visit_and_nobody_stays(tmp_path: Path) -> None:
    async def main() -> None:
        account = an_account()
        async with visits(tmp_path, account) as visited:
            for times in range(1, 21):
                await visited.until_left(times)
                assert (account.tried, account.open_now) == (times, 0)
                await visited.rounds.watch.ring()
        assert account.most_open == 1

    asyncio.run(main())


def test_a_visit_too_soon_after_another_waits_unless_in_a_hurry(tmp_path: Path) -> None:
    async def main() -> None:
        account = an_account()
        async with visits(tmp_path, account, least=HOUR) as visited:
            await visited.until_left(1)
            visited.rounds.watch.call()
            await give_turns()
            assert account.tried == 1
            visited.rounds.hurry()
            await visited.until_left(2)

    asyncio.run(main())


def test_a_server_is_not_visited_more_often_than_it_wants(tmp_path: Path) -> None:
    async def main() -> None:
        account = an_account()
        account.login_delay = HOUR
        async with visits(tmp_path, account) as visited:
            await visited.until_left(1)
            await visited.rounds.watch.ring()
            await give_turns()
            assert account.tried == 1

    asyncio.run(main())


def test_a_server_is_left_alone_for_as_long_as_it_wants_after_a_failure_too(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        account = an_account()
        account.login_delay = HOUR
        async with visits(tmp_path, account) as visited:
            await visited.until_left(1)
            account.refusals = [TemporaryError("cut")]
            visited.rounds.hurry()
            await visited.post.until(WatchState.RETRYING)
            await give_turns()
            assert account.tried == 2

    asyncio.run(main())


def test_a_visit_that_failed_is_made_again_without_a_ring(tmp_path: Path) -> None:
    async def main() -> None:
        account = an_account()
        account.refusals = [TemporaryError("locked"), TemporaryError("locked")]
        async with visits(tmp_path, account, least=HOUR) as visited:
            await visited.until_left(1)
            assert account.tried == 3
            assert visited.post.states().count(WatchState.RETRYING) == 2

    asyncio.run(main())


def test_a_refused_password_is_not_tried_at_each_ring(tmp_path: Path) -> None:
    async def main() -> None:
        account = an_account()
        account.refusals = [AuthenticationError("no")]
        async with visits(tmp_path, account) as visited:
            await visited.post.until(WatchState.REFUSED)
            await visited.rounds.watch.ring()
            await give_turns()
            assert account.tried == 1
            visited.rounds.logins.forgive()
            await visited.until_left(1)

    asyncio.run(main())


def test_a_failure_after_many_good_visits_is_waited_out_as_the_first(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        account = an_account()
        async with visits(tmp_path, account) as visited:
            waits = []
            for times in range(1, 5):
                await visited.until_left(times)
                account.refusals = [TemporaryError("locked")]
                await visited.rounds.watch.ring()
                failed = await visited.post.until(WatchState.RETRYING, times)
                assert failed.retry_at is not None
                waits.append(failed.retry_at - visited.post.desk.clock.now())
            assert len(set(waits)) == 1

    asyncio.run(main())
