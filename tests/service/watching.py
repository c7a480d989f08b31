"""Watchers on a real store, and a way to wait for what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from postroom.ports import Account, WatchReport
from postroom.rules.rule import Rule
from postroom.service.backoff import Backoff, BackoffTimings
from postroom.service.events import Event, WatchChanged, WatchState
from postroom.service.watcher import Watcher, WatcherTimings
from tests.service.processing import Desk, open_desk

PATIENCE = 30
AT_ONCE = BackoffTimings(base=0.01, cap=0.02)


@dataclass
class Post:
    """Watchers, and what they have told so far."""

    desk: Desk
    connection: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def watcher(
        self,
        account: Account,
        *rules: Rule,
        mailbox: str = "INBOX",
        holds: bool = True,
        backoff: BackoffTimings = AT_ONCE,
        timings: WatcherTimings | None = None,
    ) -> Watcher:
        """A watcher of this mailbox, with these rules."""
        return Watcher(
            account=account,
            mailbox=mailbox,
            processor=self.desk.processor(*rules),
            store=self.desk.store,
            clock=self.desk.clock,
            observer=self._observe,
            backoff=Backoff(self.desk.clock.monotonic, lambda: 1.0, backoff),
            connection=self.connection,
            holds=holds,
            timings=timings or WatcherTimings(),
        )

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
