"""How the parts of the daemon are put together."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from postroom.config.configuration import Configuration
from postroom.config.settings import AccountTable
from postroom.hooks.leash import Leash
from postroom.ports import Account, Clock, SentMail
from postroom.rules.schedule import Schedule
from postroom.service.announcer import Announcer
from postroom.service.attendance import Attendance
from postroom.service.backoff import Backoff
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.commitment import Commitment
from postroom.service.connections import (
    account_key,
    make_account,
    make_relays,
    make_sent,
    reference_of,
    relay_keys,
)
from postroom.service.decider import Decider
from postroom.service.deliberation import Deliberation
from postroom.service.door import Door
from postroom.service.effector import Effector
from postroom.service.events import Observer
from postroom.service.gatherer import Gatherer
from postroom.service.holds import Holds
from postroom.service.jumps import WallClock
from postroom.service.line import Line
from postroom.service.logins import Logins
from postroom.service.lookout import Lookout
from postroom.service.patrol import Patrol
from postroom.service.performer import Performer
from postroom.service.processor import Processor
from postroom.service.provision import Provision
from postroom.service.retries import RetrySchedule
from postroom.service.rounds import Rounds
from postroom.service.rulebook import Rulebook
from postroom.service.sender import Sender
from postroom.service.space import Space
from postroom.service.station import Station
from postroom.service.statusline import StatusLine
from postroom.service.vault import Vault
from postroom.service.watch import Watch
from postroom.service.watcher import Watcher
from postroom.store.store import SqlStore

# However seldom a mailbox is polled: a push that never came is made good by then.
_LONGEST_UNSEEN = timedelta(minutes=15)
# So many accounts of one server log in at a time, so that a start is no storm.
_AT_ONCE = 4


@dataclass
class Assembly:
    """Makes the parts of a daemon from what they share."""

    configuration: Configuration
    store: SqlStore
    vault: Vault
    clock: Clock
    observer: Observer
    book: Rulebook
    holds: Holds
    provision: Provision
    leash: Leash
    door: Door = field(default_factory=Door)
    stations: dict[str, Station] = field(default_factory=dict)
    gates: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
    )

    def __post_init__(self) -> None:
        self.line = StatusLine(self.store, self.clock)
        self.observer = self.line.overhearing(self.observer)
        self.lookout = self._make_lookout()
        self.announcer = Announcer(self.configuration.plugins)
        self.sender = self._make_sender()
        self.performer = self._make_performer()
        self.relay_keys = relay_keys(self.configuration)

    def call_watches(self, places: Iterable[tuple[str, str]]) -> None:
        """Have what can be done in these (account, mailbox) pairs done."""
        wanted = set(places)
        for watch in (each for s in self.stations.values() for each in s.watches):
            if (watch.account, watch.mailbox) in wanted:
                watch.call()

    def _settled(self, places: Iterable[tuple[str, str]]) -> None:
        self.line.ring()
        self.call_watches(places)

    def ring_outward(self) -> None:
        """Say that there may be something new to send or to perform."""
        self.sender.ring()
        self.performer.ring()
        self.line.ring()

    def try_outward_now(self) -> None:
        """Have what is due sent and performed now, whatever failed before."""
        self.sender.try_now()
        self.performer.ring()

    def make_station(self, name: str) -> Station:
        """What looks after the account of this name."""
        table = self.configuration.settings.account[name]
        shared = (self.configuration, name, self.vault)
        account = make_account(*shared, self.store, self.clock)
        care = self._visit(account) if table.pop3 else self._attend(account)
        key = account_key(self.configuration, name)
        return Station(account, _intervals(table), care, key)

    def changed_accounts(self, configuration: Configuration) -> list[str]:
        """The accounts that are looked after, and would be otherwise or no more."""
        return [
            name
            for name, station in self.stations.items()
            if account_key(configuration, name) != station.key
        ]

    async def change_relays(self, configuration: Configuration) -> None:
        """Send through the relays of another configuration from now on."""
        keys = relay_keys(configuration)
        relays = {
            name: relay
            for name, relay in make_relays(configuration, self.vault).items()
            if keys[name] != self.relay_keys.get(name)
        }
        await self.sender.change(relays, self.relay_keys.keys() - keys.keys())
        self.relay_keys = keys

    def _make_lookout(self) -> Lookout:
        return Lookout(
            self.store,
            Space(lambda: self.configuration.settings),
            WallClock(self.clock),
            self._go_on,
        )

    def _go_on(self, account: str) -> None:
        """Go on with an account, for which there was no room."""
        self.ring_outward()
        if station := self.stations.get(account):
            station.go_on()

    def _make_sender(self) -> Sender:
        return Sender(
            self.store,
            make_relays(self.configuration, self.vault),
            self.clock,
            RetrySchedule(),
            self._settled,
            self.announcer.announce,
            random.random,
            door=self.door,
            may_expire=self.lookout.wall.may_expire,
            sent=self._make_sent,
        )

    def _make_sent(self, relay: str) -> SentMail | None:
        if relay in self.holds.accounts:
            return None  # its owner has paused it: nobody logs in
        return make_sent(self.configuration, relay, self.vault)

    def _make_performer(self) -> Performer:
        return Performer(
            self.store,
            self.clock,
            self.configuration.plugins.actions,
            self.provision.services,
            self.leash,
            self.call_watches,
            random.random,
            self.door,
            may_expire=self.lookout.wall.may_expire,
        )

    def _attend(self, account: Account) -> Attendance:
        logins = self._make_logins(account.name)
        line = partial(self._make_line, account, logins)
        return Attendance(
            self._make_watches(account.name),
            logins,
            hold=lambda watch: Watcher(line(), watch),
            patrol=lambda watches: Patrol(line(), watches, self.clock),
        )

    def _visit(self, account: Account) -> Rounds:
        logins = self._make_logins(account.name)
        (watch,) = self._make_watches(account.name)
        return Rounds(watch, self._make_line(account, logins), self.clock)

    def _make_watches(self, name: str) -> list[Watch]:
        table = self.configuration.settings.account[name]
        processor = self._make_processor(name, table)
        parts = (processor, self.store, self.clock, self.observer)
        return [Watch(name, mailbox, *parts) for mailbox in table.watch]

    def _make_logins(self, name: str) -> Logins:
        host = self.configuration.settings.account[name].server.host
        mark = partial(self.vault.mark, reference_of(self.configuration, name))
        return Logins(self.clock.monotonic, self.gates[host], mark)

    def _make_line(self, account: Account, logins: Logins) -> Line:
        return Line(account, logins, Backoff(self.clock.monotonic, random.random))

    def _make_processor(self, name: str, table: AccountTable) -> Processor:
        sizes = BatchSizes()
        shared = (self.store, self.clock)
        unread = table.pop3 is None
        bookmark = Bookmark(name, *shared, table.adopts, sizes, notes_unread=unread)
        parts = (*shared, bookmark, self.observer, self.ring_outward)
        return Processor(
            account=name,
            book=self.book,
            store=self.store,
            clock=self.clock,
            bookmark=bookmark,
            deliberation=self._make_deliberation(name),
            effector=Effector(self.store, self.observer),
            commitment=Commitment(*parts),
            sizes=sizes,
            may_fetch=partial(self.lookout.may_fetch, name),
        )

    def _make_deliberation(self, name: str) -> Deliberation:
        return Deliberation(
            owner=self.configuration.owner(name),
            store=self.store,
            clock=self.clock,
            decider=Decider(),
            gatherer=Gatherer(self.provision.services, self.leash),
            holds=self.holds,
            max_size=self.configuration.settings.postroom.max_size,
        )


def _intervals(table: AccountTable) -> Sequence[timedelta | Schedule]:
    """When the bells of an account ring."""
    if table.pop3:
        return [table.poll]
    if isinstance(table.poll, timedelta):
        return [min(table.poll, _LONGEST_UNSEEN)]
    return [table.poll, _LONGEST_UNSEEN]
