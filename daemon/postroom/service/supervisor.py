"""The daemon as a whole: what is opened in which order, and who owns the tasks.

One exit stack opens store, plugins and timetable; one task group owns the watchers and
the sender. Whatever ends the one ends the other, in the reverse order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from postroom import __version__
from postroom.config.configuration import Configuration
from postroom.config.settings import AccountTable
from postroom.log import get_logger
from postroom.ports import Clock, Store
from postroom.service import systemd
from postroom.service.announcer import Announcer
from postroom.service.backoff import Backoff
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.clock import SystemClock
from postroom.service.connections import (
    make_account,
    make_relays,
    references,
)
from postroom.service.decider import Decider
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.events import Observer, ignore
from postroom.service.processor import Processor
from postroom.service.retries import RetrySchedule
from postroom.service.sender import Sender
from postroom.service.timetable import Timetable
from postroom.service.vault import Vault
from postroom.service.watcher import Watcher
from postroom.store.database import open_store

log = get_logger()

# Three connections an account: two that wait for pushes, one that the other mailboxes
# share.
_HOLDING = 2

STORE_NAME = "postroom.db"


@dataclass
class Service:
    """The parts of a running daemon."""

    configuration: Configuration
    watchers: tuple[Watcher, ...]
    sender: Sender
    announcer: Announcer
    timetable: Timetable

    async def run(self, stop: asyncio.Event) -> None:
        """Watch and send until `stop` is set; then end in order."""
        for watcher in self.watchers:
            poll = self.configuration.settings.account[watcher.account.name].poll
            self.timetable.ring_every(poll, watcher.ring)
        async with self.timetable, asyncio.TaskGroup() as group:
            tasks = [group.create_task(watcher.run()) for watcher in self.watchers]
            tasks.append(group.create_task(self.sender.run()))
            tasks.append(group.create_task(self.announcer.run()))
            systemd.notify("READY=1", f"STATUS=watching {len(self.watchers)} mailboxes")
            log.info("service_started", mailboxes=len(self.watchers))
            await stop.wait()
            systemd.notify("STOPPING=1")
            log.info("service_stopping")
            for task in tasks:
                task.cancel()

    async def run_once(self) -> tuple[str, ...]:
        """Handle what is there now, send what is due; what went wrong."""
        async with asyncio.TaskGroup() as group:
            announcing = group.create_task(self.announcer.run())
            failures = await self._handle_accounts()
            await self.sender.drain()
            # Mail that was sent may have let expunges go on.
            rung = [watcher for watcher in self.watchers if watcher.bell.is_set()]
            failures += [await watcher.handle_once() for watcher in rung]
            await self.announcer.drain()
            announcing.cancel()
        relays = self.sender.state.values()
        failures += [relay.last_error for relay in relays]
        return tuple(failure for failure in failures if failure)

    async def _handle_accounts(self) -> list[str]:
        names = {watcher.account.name for watcher in self.watchers}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._handle_account(name)) for name in names]
        return [failure for task in tasks for failure in task.result()]

    async def _handle_account(self, name: str) -> list[str]:
        mine = [watcher for watcher in self.watchers if watcher.account.name == name]
        return [await watcher.handle_once() for watcher in mine]


@asynccontextmanager
async def open_service(
    configuration: Configuration,
    *,
    observer: Observer = ignore,
    clock: Clock | None = None,
) -> AsyncIterator[Service]:
    """Open everything that a daemon needs, and close it at the end.

    Raises `ConfigError` for secrets that can't be had, and `StoreError`.
    """
    clock = clock or SystemClock()
    settings = configuration.settings
    async with AsyncExitStack() as stack:
        vault = Vault(configuration.secrets)
        await vault.open(set(references(configuration)))
        path = settings.postroom.state / STORE_NAME
        store = await stack.enter_async_context(
            open_store(path, clock=clock, version=__version__)
        )
        await configuration.plugins.enter_lifespans(stack, settings.plugin)
        run = await store.begin_run("live", configuration.ruleset)
        unknown = await store.recover(clock.now())
        if unknown:
            log.warning("deliveries_unknown", count=unknown)
        _warn_of_missing_relays(configuration, await store.waiting_relays())
        yield _Assembly(configuration, store, vault, clock, observer, run).service()


def _warn_of_missing_relays(
    configuration: Configuration, waiting: Mapping[str, int]
) -> None:
    """Mail that waits for a relay that the settings no longer have."""
    accounts = configuration.settings.account
    for name, count in waiting.items():
        if name not in accounts or configuration.relay_of(name) != name:
            log.error("relay_missing", relay=name, deliveries=count)


@dataclass
class _Assembly:
    """Makes the parts from what they share."""

    configuration: Configuration
    store: Store
    vault: Vault
    clock: Clock
    observer: Observer
    run: int
    watchers: list[Watcher] = field(default_factory=list)

    def service(self) -> Service:
        """The parts, put together."""
        announcer = Announcer(self.configuration.plugins)
        sender = self._make_sender(announcer)
        for name, table in self.configuration.settings.account.items():
            self.watchers += self._watch(name, table, sender)
        watchers = tuple(self.watchers)
        return Service(self.configuration, watchers, sender, announcer, Timetable())

    def _make_sender(self, announcer: Announcer) -> Sender:
        relays = make_relays(self.configuration, self.vault)
        return Sender(
            self.store,
            relays,
            self.clock,
            RetrySchedule(),
            self._ring_watchers,
            announcer.announce,
            random.random,
        )

    def _ring_watchers(self, places: Iterable[tuple[str, str]]) -> None:
        wanted = set(places)
        for watcher in self.watchers:
            if (watcher.account.name, watcher.mailbox) in wanted:
                watcher.bell.set()

    def _watch(
        self, name: str, table: AccountTable, sender: Sender
    ) -> Iterator[Watcher]:
        processor = self._make_processor(name, table, sender)
        account = make_account(self.configuration, name, self.vault)
        connection = asyncio.Semaphore(1)
        for place, mailbox in enumerate(table.watch):
            yield Watcher(
                account=account,
                mailbox=mailbox,
                processor=processor,
                store=self.store,
                clock=self.clock,
                observer=self.observer,
                backoff=Backoff(self.clock.monotonic, random.random),
                connection=connection,
                holds=place < _HOLDING,
            )

    def _make_processor(
        self, name: str, table: AccountTable, sender: Sender
    ) -> Processor:
        sizes = BatchSizes()
        adopts = table.existing == "leave"
        return Processor(
            account=name,
            run=self.run,
            store=self.store,
            clock=self.clock,
            bookmark=Bookmark(name, self.store, self.clock, adopts, sizes),
            deliberation=self._make_deliberation(name),
            effector=Effector(self.store, self.observer),
            observer=self.observer,
            ring_sender=sender.ring,
            sizes=sizes,
        )

    def _make_deliberation(self, name: str) -> Deliberation:
        return Deliberation(
            owner=self.configuration.owner(name),
            store=self.store,
            clock=self.clock,
            decider=Decider(self.configuration.rules),
            max_size=self.configuration.settings.postroom.max_size,
        )
