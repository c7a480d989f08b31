"""Several mailboxes over one connection: STATUS tells which of them is looked into."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import (
    AbsentMailbox,
    RefusedForNow,
    StoreError,
    TemporaryError,
)
from postroom.rules.effects import FileInto
from postroom.service.events import WatchState
from postroom.service.patrol import Patrol, PatrolTimings
from tests.builders import make_raw
from tests.service.account import MemoryAccount
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import rule
from tests.service.watching import Post, open_post, running

NAMES = ("A", "B", "C")
MOVE = rule(FileInto("Done"))


class Round:
    """A patrol of three mailboxes, and what it has told."""

    def __init__(self, post: Post, timings: PatrolTimings | None = None) -> None:
        self.post = post
        self.boxes = {name: MemoryMailbox(name) for name in NAMES}
        self.account = MemoryAccount(self.boxes)
        watches = [post.watch(MOVE, mailbox=name) for name in NAMES]
        self.watches = dict(zip(NAMES, watches, strict=True))
        self.patrol = Patrol(
            post.line(self.account),
            watches,
            post.desk.clock,
            timings or PatrolTimings(),
        )

    async def ring(self, count: int, *names: str) -> None:
        """Ring for these, and wait until each was seen to so often."""
        for name in names:
            await self.watches[name].ring()
        await self.seen(count, *names)

    async def seen(self, count: int, *names: str) -> None:
        """Wait until each of these was seen to so often."""
        for name in names:
            await self.post.until(WatchState.POLLING, count, name)


def go(
    folder: Path,
    steps: Callable[[Round], Awaitable[None]],
    timings: PatrolTimings | None = None,
) -> None:
    """Take steps while the patrol goes its rounds, all having been seen to once."""

    async def run() -> None:
        async with asyncio.timeout(60), open_post(folder) as post:
            round_ = Round(post, timings)
            async with running(round_.patrol.run()):
                await round_.seen(1, *NAMES)
                await steps(round_)

    asyncio.run(run())


def test_all_are_opened_at_first_over_one_connection(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        assert round_.account.opened == list(NAMES)
        assert (round_.account.tried, round_.account.open_now) == (1, 1)

    go(tmp_path, steps)


def test_one_that_stands_as_before_is_not_opened_again(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        round_.account.opened.clear()
        await round_.ring(2, *NAMES)
        assert round_.account.opened == []
        assert round_.account.asked == [*NAMES, *NAMES]

    go(tmp_path, steps)


def test_one_where_something_came_is_opened_and_no_other(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        round_.account.opened.clear()
        round_.boxes["B"].put(make_raw())
        await round_.ring(2, *NAMES)
        assert round_.account.opened == ["B"]
        assert round_.boxes["B"].placed == {"Done": [1]}
        assert round_.account.tried == 1

    go(tmp_path, steps)


def test_without_a_status_it_is_opened_each_time(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        round_.boxes["C"].tells = False
        round_.account.opened.clear()
        for count in (2, 3):
            await round_.ring(count, *NAMES)
        assert round_.account.opened == ["C", "C"]

    go(tmp_path, steps)


def test_a_status_is_not_believed_for_ever(tmp_path: Path) -> None:
    """A server that always tells the same is found out in a quarter of an hour."""

    async def steps(round_: Round) -> None:
        round_.account.opened.clear()
        round_.post.desk.clock.ahead += timedelta(minutes=15)
        await round_.ring(2, *NAMES)
        assert round_.account.opened == list(NAMES)

    go(tmp_path, steps)


def test_work_that_waits_has_the_mailbox_opened(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        round_.account.opened.clear()
        round_.watches["A"].call()
        await round_.seen(2, "A")
        assert round_.account.opened == ["A"]

    go(tmp_path, steps)


def test_a_mailbox_that_can_not_be_opened_holds_up_no_other(tmp_path: Path) -> None:
    """It is told, tried again ever more seldom, and taken up when it is back."""

    async def steps(round_: Round) -> None:
        account, clock = round_.account, round_.post.desk.clock
        account.closed["A"] = AbsentMailbox("there is no mailbox A")
        round_.boxes["A"].put(make_raw())
        for count, minutes in ((1, 1), (2, 5), (3, 15), (4, 60), (5, 60)):
            await round_.watches["A"].ring()
            told = await round_.post.until(WatchState.RETRYING, count, "A")
            assert told.retry_at == clock.now() + timedelta(minutes=minutes)
            assert told.detail == "there is no mailbox A"
            await round_.ring(1 + count, "B", "C")
            clock.ahead += timedelta(minutes=minutes)
        del account.closed["A"]
        await round_.ring(2, "A")
        assert round_.boxes["A"].placed == {"Done": [1]}
        assert account.tried == 1

    go(tmp_path, steps)


def test_a_mailbox_whose_time_has_come_is_tried_without_a_bell(tmp_path: Path) -> None:
    """`status` told when."""

    async def steps(round_: Round) -> None:
        round_.account.closed["A"] = AbsentMailbox("there is no mailbox A")
        round_.watches["A"].call()
        await round_.post.until(WatchState.RETRYING, 1, "A")
        del round_.account.closed["A"]
        round_.post.desk.clock.ahead += timedelta(minutes=1)
        await round_.seen(2, "A")

    go(tmp_path, steps, PatrolTimings(probe=0.01))


def test_a_mailbox_that_is_refused_is_left_alone_until_its_time(
    tmp_path: Path,
) -> None:
    async def steps(round_: Round) -> None:
        round_.account.closed["A"] = RefusedForNow("in use")
        round_.boxes["A"].put(make_raw())
        await round_.watches["A"].ring()
        await round_.post.until(WatchState.RETRYING, 1, "A")
        round_.account.opened.clear()
        await round_.watches["A"].ring()
        await round_.ring(2, "C")
        assert round_.account.opened == []

    go(tmp_path, steps)


def test_a_lost_connection_is_made_anew_and_everything_looked_into(
    tmp_path: Path,
) -> None:
    async def steps(round_: Round) -> None:
        round_.boxes["B"].put(make_raw())
        round_.boxes["B"].failures["search"] = TemporaryError("cut")
        await round_.watches["B"].ring()
        await round_.seen(2, *NAMES)
        assert sorted(round_.account.opened) == ["A", "A", "B", "B", "B", "C", "C"]
        assert round_.account.tried == 2
        assert round_.account.most_open == 1
        assert round_.boxes["B"].placed == {"Done": [1]}

    go(tmp_path, steps)


def test_a_mailbox_at_which_connections_end_holds_up_no_other(tmp_path: Path) -> None:
    """It comes last, and after three times it is left alone for a while."""

    async def steps(round_: Round) -> None:
        account, post = round_.account, round_.post
        account.closed["A"] = TemporaryError("BYE")
        for name in ("B", "C"):
            round_.boxes[name].put(make_raw())
        round_.watches["A"].call()
        await round_.seen(4, "B", "C")
        told = await post.until(WatchState.RETRYING, 4, "A")
        assert told.detail == "BYE"
        await round_.watches["A"].ring()
        await round_.ring(5, "C")
        assert account.tried == 4
        for name in ("B", "C"):
            assert round_.boxes[name].placed == {"Done": [1]}

    go(tmp_path, steps)


def test_the_connection_is_proved_while_nothing_is_to_be_done(tmp_path: Path) -> None:
    async def steps(round_: Round) -> None:
        proved = asyncio.Event()
        round_.account.on_proof = proved.set
        await proved.wait()

    go(tmp_path, steps, PatrolTimings(probe=0.01))


def test_a_store_that_can_not_be_used_ends_the_patrol(tmp_path: Path) -> None:
    """It is no trouble of the mailbox: without a memory nothing may go on."""

    async def run() -> None:
        async with asyncio.timeout(60), open_post(tmp_path) as post:
            round_ = Round(post)
            round_.account.closed["B"] = StoreError("another daemon has it")
            await round_.patrol.run()

    with pytest.raises(StoreError):
        asyncio.run(run())
