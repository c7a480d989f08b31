"""A processor on a real store, and what the store has recorded afterwards."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from postroom.hooks.leash import Leash
from postroom.mail.message import Message
from postroom.mail.owner import Owner
from postroom.ports import Ruleset, Uptime
from postroom.rules.action import Action
from postroom.rules.condition import Condition
from postroom.rules.effects import Effect
from postroom.rules.logic import Named
from postroom.rules.rule import NamedAction, Rule
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.commitment import Commitment
from postroom.service.decider import Decider
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.events import Event
from postroom.service.gatherer import Gatherer
from postroom.service.holds import Holds
from postroom.service.processor import Processor
from postroom.service.provision import Provision
from postroom.service.rulebook import Edition, Rulebook
from postroom.service.web import Web
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.service.mailbox import ACCOUNT, NOON, MemoryMailbox


@dataclass
class Clock:
    """A clock that stands until it is set forward; with `runs`, its seconds go on, and
    with `tells_the_time` it is the one that servers go by."""

    ahead: timedelta = timedelta(0)
    runs: bool = False
    tells_the_time: bool = False

    def now(self) -> Any:  # noqa: ANN401 - a datetime
        """Noon and what it was set forward."""
        return datetime.now(UTC) if self.tells_the_time else NOON + self.ahead

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.ahead.total_seconds() + (time.monotonic() if self.runs else 0)

    def uptime(self) -> Uptime:
        """The same, of one boot that never ends."""
        return Uptime("boot", self.monotonic())


class ByHeader(Condition):
    """Asks a function about a message's header."""

    depth = "headers"
    asked: Callable[[Message], bool]

    def holds(self, message: Message) -> bool:
        """What the function says."""
        return self.asked(message)


class ByBody(Condition):
    """Asks a function about the whole of a message."""

    asked: Callable[[Message], bool]

    def holds(self, message: Message) -> bool:
        """What the function says."""
        return self.asked(message)


class Do(Action):
    """Has these effects."""

    depth = "headers"
    wanted: tuple[Any, ...]

    def effects(self, message: Message) -> Sequence[Effect]:
        """The same for every message."""
        return self.wanted


def rule(
    *effects: Effect,
    name: str = "it",
    header: Callable[[Message], bool] | None = None,
    body: Callable[[Message], bool] | None = None,
) -> Rule:
    """A rule that asks this function, or none, and does this."""
    when: dict[str, Any] = {}
    if header:
        when["when"] = Named("header", ByHeader.model_construct(asked=header), "test")
    if body:
        when["when"] = Named("body", ByBody.model_construct(asked=body), "test")
    done = NamedAction("do", Do.model_construct(wanted=effects), "test")
    return Rule(name, then=(done,), **when)


def is_bad(message: Message) -> bool:
    """Raises for a message that says so."""
    if message.subject == "bad":
        raise ZeroDivisionError("the rule's own mistake")
    return True


@dataclass
class Desk:
    """A processor, and all that it told of."""

    store: SqlStore
    path: Path
    clock: Clock
    run: int
    events: list[Event] = field(default_factory=list)
    rung: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.holds = Holds(self.store, self.clock)

    def provision(self) -> Provision:
        """What gives plugins their services."""
        return Provision({}, self.path.parent, self.store, self.clock, Web())

    def processor(
        self,
        *rules: Rule,
        adopt_existing: bool = False,
        sizes: BatchSizes | None = None,
        max_size: int = 1_000_000,
        deadline: float = 10,
    ) -> Processor:
        """A processor with these rules."""
        sizes = sizes or BatchSizes()
        shared = (self.store, self.clock)
        bookmark = Bookmark(ACCOUNT, *shared, adopt_existing, sizes)
        ring = partial(self.rung.append, 1)
        return Processor(
            account=ACCOUNT,
            book=Rulebook(Edition.of(self.run, rules)),
            store=self.store,
            clock=self.clock,
            bookmark=bookmark,
            deliberation=Deliberation(
                owner=Owner(ACCOUNT, "me@ours.example", "Me"),
                store=self.store,
                clock=self.clock,
                decider=Decider(deadline),
                gatherer=Gatherer(self.provision().services, Leash(), deadline),
                holds=self.holds,
                max_size=max_size,
            ),
            effector=Effector(self.store, self.events.append),
            commitment=Commitment(*shared, bookmark, self.events.append, ring),
            sizes=sizes,
        )

    def told(self, kind: type[Event]) -> list[Any]:
        """The events of this kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def states(self, uidvalidity: int = 7) -> dict[int, str]:
        """The state of each message, by UID, as it stands in the database."""
        query = "SELECT uid, state FROM message WHERE uidvalidity = ? ORDER BY uid"
        return {row["uid"]: row["state"] for row in self._rows(query, uidvalidity)}

    def effects(self) -> list[tuple[int, str, str, str]]:
        """UID, kind, state and detail of each effect, in order."""
        query = "SELECT source_uid, kind, state, detail FROM effect ORDER BY id"
        return [tuple(row) for row in self._rows(query)]

    def targets(self) -> list[str | None]:
        """Where effects are to put messages, in their order."""
        rows = self._rows("SELECT target_mailbox FROM effect ORDER BY ordinal")
        return [row[0] for row in rows]

    async def cursor(self, mailbox: str = "INBOX") -> tuple[int, int] | None:
        """UIDVALIDITY and UID up to which the mailbox was read."""
        found = await self.store.cursor(ACCOUNT, mailbox)
        return (found.uidvalidity, found.uid) if found else None

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as base:
            base.row_factory = sqlite3.Row
            return base.execute(query, values).fetchall()


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """A new store in the folder, and what works on it."""
    clock, path = Clock(), folder / "postroom.db"
    async with open_store(path, clock=clock) as store:
        yield Desk(store, path, clock, await store.begin_run("live", Ruleset(())))


Steps = Callable[[Desk, MemoryMailbox], Awaitable[None]]
AtDesk = Callable[[Steps], None]
