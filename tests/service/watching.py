"""Watchers on a real store, and a way to wait for what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from postroom.ports import Account, WatchReport
from postroom.rules.rule import Rule
from postroom.service.backoff import Backoff, BackoffTimings
from postroom.service.events import Event, WatchChanged, WatchState
from postroom.service.line import Line
from postroom.service.logins import Logins, LoginTimings
from postroom.service.watch import Watch
from postroom.service.watcher import Watcher, WatcherTimings
from tests.service.mailbox import ACCOUNT
from tests.service.processing import Desk, open_desk

PATIENCE = 30
AT_ONCE = BackoffTimings(base=0.01, cap=0.02)


@dataclass
class Post:
    """What watchers need, and what they have told so far."""

    desk: Desk
    news: asyncio.Event = field(default_factory=asyncio.Event)
    marks: list[int] = field(default_factory=lambda: [1])

    def watch(self, *rules: Rule, mailbox: str = "INBOX") -> Watch:
        """The watch over this mailbox, with these rules."""
        desk = self.desk
        parts = (desk.processor(*rules), desk.store, desk.clock, self._observe)
        return Watch(ACCOUNT, mailbox, *parts)

    def logins(self, timings: LoginTimings | None = None) -> Logins:
        """Logins whose secret changes with the last of `marks`."""
        return Logins(
            self.desk.clock.monotonic,
            asyncio.Semaphore(4),
            lambda: self.marks[-1],
            timings or LoginTimings(),
        )

    def line(
        self,
        account: Account,
        backoff: BackoffTimings = AT_ONCE,
        logins: Logins | None = None,
    ) -> Line:
        """A connection that is made again."""
        again = Backoff(self.desk.clock.monotonic, lambda: 1.0, backoff)
        return Line(account, logins or self.logins(), again)

    def watcher(
        self,
        account: Account,
        *rules: Rule,
        mailbox: str = "INBOX",
        backoff: BackoffTimings = AT_ONCE,
        logins: Logins | None = None,
        timings: WatcherTimings | None = None,
    ) -> Watcher:
        """A watcher of this mailbox, with these rules."""
        line = self.line(account, backoff, logins)
        watch = self.watch(*rules, mailbox=mailbox)
        return Watcher(line, watch, timings or WatcherTimings())

    def states(self, mailbox: str = "INBOX") -> list[WatchState]:
        """The states that the watcher went through."""
        told = self.desk.told(WatchChanged)
        return [each.state for each in told if each.mailbox == mailbox]

    async def until(
        self, state: WatchState, count: int = 1, mailbox: str = "INBOX"
    ) -> WatchChanged:
        """Wait until it was told that often; the last time of it."""
        await self.until_true(lambda: self.states(mailbox).count(state) >= count)
        told: list[WatchChanged] = self.desk.told(WatchChanged)
        return [each for each in told if each.state == state][-1]

    async def until_true(self, holds: Callable[[], bool]) -> None:
        """Wait until this is so, which something told must make it."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self.news.clear()
                await self.news.wait()

    async def report(self, state: str) -> WatchReport:
        """The watcher's last report in the store, once it is of this state."""
        async with asyncio.timeout(PATIENCE):
            while True:
                (mailbox,) = (await self.desk.store.summary()).mailboxes
                if mailbox.watch is not None and mailbox.watch.state == state:
                    return mailbox.watch

    def _observe(self, event: Event) -> None:
        self.desk.events.append(event)
        self.news.set()


AtPost = Callable[[Callable[[Post], Awaitable[None]]], None]


@asynccontextmanager
async def open_post(folder: Path) -> AsyncIterator[Post]:
    """A new store, and what watchers need."""
    async with open_desk(folder) as desk:
        yield Post(desk)


@asynccontextmanager
async def running(
    *work: Coroutine[None, None, None],
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Each in a task, which is cancelled at the end of the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        yield tasks
        for task in tasks:
            task.cancel()


async def some_turns() -> None:
    """Let everybody else go on as far as they can without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)
