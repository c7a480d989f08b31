"""How the parts of the daemon are put together."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from postroom.config.configuration import Configuration
from postroom.config.settings import AccountTable
from postroom.ports import Account, Clock, Store
from postroom.service.announcer import Announcer
from postroom.service.attendance import Attendance
from postroom.service.backoff import Backoff
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.connections import (
    imap_reference,
    make_account,
    make_relays,
)
from postroom.service.decider import Decider
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.events import Observer
from postroom.service.line import Line
from postroom.service.logins import Logins
from postroom.service.patrol import Patrol
from postroom.service.processor import Processor
from postroom.service.retries import RetrySchedule
from postroom.service.sender import Sender
from postroom.service.supervisor import Service
from postroom.service.timetable import Timetable
from postroom.service.vault import Vault
from postroom.service.watch import Watch
from postroom.service.watcher import Watcher

# So many accounts of one server log in at a time, so that a start is no storm.
_AT_ONCE = 4


@dataclass
class Assembly:
    """Makes the parts of a daemon from what they share."""

    configuration: Configuration
    store: Store
    vault: Vault
    clock: Clock
    observer: Observer
    run: int
    watches: list[Watch] = field(default_factory=list)
    gates: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
    )

    def service(self) -> Service:
        """The parts, put together."""
        announcer = Announcer(self.configuration.plugins)
        sender = self._make_sender(announcer)
        tables = self.configuration.settings.account.items()
        accounts = {
            name: make_account(self.configuration, name, self.vault)
            for name, _ in tables
        }
        attendances = [
            self._attend(accounts[name], table, sender) for name, table in tables
        ]
        return Service(
            self.configuration,
            tuple(attendances),
            sender,
            announcer,
            Timetable(),
            accounts,
        )

    def _make_sender(self, announcer: Announcer) -> Sender:
        relays = make_relays(self.configuration, self.vault)
        return Sender(
            self.store,
            relays,
            self.clock,
            RetrySchedule(),
            self._call_watches,
            announcer.announce,
            random.random,
        )

    def _call_watches(self, places: Iterable[tuple[str, str]]) -> None:
        wanted = set(places)
        for watch in self.watches:
            if (watch.account, watch.mailbox) in wanted:
                watch.call()

    def _attend(
        self, account: Account, table: AccountTable, sender: Sender
    ) -> Attendance:
        name = account.name
        processor = self._make_processor(name, table, sender)
        parts = (processor, self.store, self.clock, self.observer)
        watches = [Watch(name, mailbox, *parts) for mailbox in table.watch]
        self.watches += watches
        logins = Logins(
            self.clock.monotonic,
            self.gates[table.imap.host],
            partial(self.vault.mark, imap_reference(self.configuration, name)),
        )
        line = partial(self._make_line, account, logins)
        return Attendance(
            watches,
            logins,
            hold=lambda watch: Watcher(line(), watch),
            patrol=lambda watches: Patrol(line(), watches, self.clock),
        )

    def _make_line(self, account: Account, logins: Logins) -> Line:
        return Line(account, logins, Backoff(self.clock.monotonic, random.random))

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
