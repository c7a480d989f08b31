"""An account's connections: which mailboxes each of them looks after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from postroom.errors import TooManyConnections
from postroom.service.attendance import Attendance
from postroom.service.events import MessageHandled, WatchState
from postroom.service.line import Line
from postroom.service.logins import Logins, LoginTimings
from postroom.service.patrol import Patrol
from postroom.service.watcher import Watcher
from tests.builders import make_raw
from tests.service.account import MemoryAccount
from tests.service.mailbox import MemoryMailbox
from tests.service.watching import Post, open_post, running

NAMES = ("A", "B", "C", "D", "E")


class Office:
    """The attendance of an account with so many mailboxes."""

    def __init__(self, post: Post, count: int, timings: LoginTimings) -> None:
        self.post = post
        self.names = NAMES[:count]
        self.boxes = {name: MemoryMailbox(name) for name in self.names}
        for box in self.boxes.values():
            box.may_leave.set()
        self.account = MemoryAccount(self.boxes)
        self.logins: Logins = post.logins(timings)
        watches = [post.watch(mailbox=name) for name in self.names]
        self.attendance = Attendance(
            watches,
            self.logins,
            hold=lambda watch: Watcher(self.line(), watch),
            patrol=lambda group: Patrol(self.line(), group, post.desk.clock),
        )

    def line(self) -> Line:
        """A connection of the account."""
        return self.post.line(self.account, logins=self.logins)

    async def until(self, **states: WatchState) -> None:
        """Wait until each of these is in that state."""

        def reached() -> bool:
            last = {name: self.post.states(name)[-1:] for name in states}
            return all(last[name] == [state] for name, state in states.items())

        await self.post.until_true(reached)


def at_office(
    folder: Path,
    steps: Callable[[Office], Awaitable[None]],
    count: int = 5,
    timings: LoginTimings | None = None,
    *refusals: TooManyConnections,
) -> None:
    """Take steps while the account is looked after."""

    async def run() -> None:
        async with asyncio.timeout(60), open_post(folder) as post:
            office = Office(post, count, timings or LoginTimings())
            office.account.refusals += refusals
            async with running(office.attendance.run()):
                await steps(office)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("count", "connections", "expected"),
    [
        (1, 3, ["A"]),
        (3, 3, ["A", "B", "C"]),
        (5, 3, ["A", "B", "CDE"]),
        (5, 2, ["A", "BCDE"]),
        (5, 1, ["ABCDE"]),
        (1, 1, ["A"]),
    ],
)
def test_mailboxes_are_allotted_to_connections(
    tmp_path: Path, count: int, connections: int, expected: list[str]
) -> None:
    async def steps(office: Office) -> None:
        groups = office.attendance.allot(connections)
        names = ["".join(watch.mailbox for watch in group) for group in groups]
        assert names == expected

    at_office(tmp_path, steps, count)


def test_five_mailboxes_take_three_connections(tmp_path: Path) -> None:
    idle, polled = WatchState.IDLE, WatchState.POLLING

    async def steps(office: Office) -> None:
        await office.until(A=idle, B=idle, C=polled, D=polled, E=polled)
        assert office.account.open_now == 3
        for name in NAMES:
            office.boxes[name].put(make_raw())
        for watch in office.attendance.watches[2:]:
            await watch.ring()
        handled = partial(office.post.desk.told, MessageHandled)
        await office.post.until_true(lambda: len(handled()) == 5)
        assert (office.account.tried, office.account.most_open) == (3, 3)

    at_office(tmp_path, steps)


def test_a_server_that_allows_one_connection_has_all_looked_after_by_it(
    tmp_path: Path,
) -> None:
    full = TooManyConnections("[LIMIT] too many")

    async def steps(office: Office) -> None:
        polled = dict.fromkeys(NAMES, WatchState.POLLING)
        await office.until(**polled)
        assert office.account.open_now == 1

    at_office(tmp_path, steps, 5, LoginTimings(), full, full)


def test_after_a_while_more_connections_are_tried_again(tmp_path: Path) -> None:
    full = TooManyConnections("[LIMIT] too many")

    async def steps(office: Office) -> None:
        await office.until(A=WatchState.IDLE, B=WatchState.IDLE, C=WatchState.POLLING)
        assert office.account.open_now == 3

    at_office(tmp_path, steps, 5, LoginTimings(crowded=0.05), full, full)
