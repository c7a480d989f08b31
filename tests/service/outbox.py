"""A real store with mail in its outbox, and what it has recorded of that mail."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import structlog
from structlog.typing import EventDict

from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import Cursor, Decision, Relay, Ruleset, Uptime
from postroom.rules.effects import Delete, Effect, Send
from postroom.rules.plan import Plan, PlannedEffect
from postroom.service.backoff import BackoffTimings
from postroom.service.door import Door
from postroom.service.health import SenderTimings
from postroom.service.jumps import always
from postroom.service.receipts import SentOf, nowhere
from postroom.service.retries import RetrySchedule
from postroom.service.sender import Sender
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from postroom.transport.smtp import SmtpRelay
from tests.transport.smtp.dealings import submission
from tests.transport.smtp.scripted import ScriptedServer, scripted_server

QUICK = SenderTimings(backoff=BackoffTimings(base=0.01, cap=0.02), finish=5)
CONTENT = b"Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\n.hello\r\n"


@dataclass
class FastClock:
    """The system's clock, `ahead` of the time."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The wall clock, set forward."""
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        """The system's seconds."""
        return monotonic()

    def uptime(self) -> Uptime:
        """The same, of one boot that never ends."""
        return Uptime("boot", monotonic())


@dataclass
class Outbox:
    """The store, the run that fills it, and the clock it goes by."""

    store: SqlStore
    path: Path
    run: int
    clock: FastClock
    settled: list[frozenset[tuple[str, str]]] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    uids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def put(
        self,
        *recipients: str,
        relay: str = "home",
        retry: Retry = Retry.AT_LEAST_ONCE,
        content: bytes = CONTENT,
        expunge: bool = False,
    ) -> None:
        """Queue a message, as the processor does, and perhaps expunge its cause."""
        uid = next(self.uids)
        envelope = Envelope("me@example.org", recipients or ("ann@example.com",))
        message_id = f"<{uid}@example.org>"
        outgoing = Outgoing(relay, envelope, content, message_id, retry)
        effects: list[Effect] = [Send(outgoing), *[Delete(forever=True)] * expunge]
        planned = tuple(
            PlannedEffect(f"key {uid}.{place}", "a rule", effect)
            for place, effect in enumerate(effects)
        )
        arrival = _arrival(uid)
        await self.store.see([arrival], self.clock.now())
        cursor = Cursor(1, uid, self.clock.now())
        decision = Decision(arrival, Plan(planned))
        await self.store.commit(self.run, [decision], cursor)

    def sender(
        self,
        relays: dict[str, Relay],
        timings: SenderTimings | None = None,
        schedule: RetrySchedule | None = None,
        random: Callable[[], float] = lambda: 1.0,
        door: Door | None = None,
        may_expire: Callable[[], bool] = always,
        sent: SentOf = nowhere,
    ) -> Sender:
        """A sender for this outbox."""
        return Sender(
            self.store,
            relays,
            self.clock,
            schedule or RetrySchedule(),
            self.settled.append,
            self._end,
            random,
            timings or SenderTimings(),
            door,
            may_expire,
            sent,
        )

    async def _end(self, outgoing: Outgoing, status: str, detail: str) -> None:
        self.ended.append((status, detail))
        self.end.set()

    def states(self) -> dict[str, str]:
        """The state of the delivery to each recipient."""
        return {row["recipient"]: row["state"] for row in self.deliveries()}

    def deliveries(self) -> list[sqlite3.Row]:
        """The deliveries, in order, as they stand in the database."""
        return self._rows("SELECT * FROM delivery ORDER BY id")

    def attempts(self) -> list[sqlite3.Row]:
        """The attempts that were made, in order."""
        return self._rows("SELECT * FROM attempt ORDER BY id")

    def _rows(self, query: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as base:
            base.row_factory = sqlite3.Row
            return base.execute(query).fetchall()


def _arrival(uid: int) -> Message:
    header = Header.parse(b"Subject: hello\r\n\r\n")
    key = MessageKey("home", "INBOX", 1, uid)
    return Message(key, 100, datetime(2026, 1, 1, tzinfo=UTC), frozenset(), header)


@asynccontextmanager
async def open_outbox(path: Path) -> AsyncIterator[Outbox]:
    """The outbox of the store at `path`, until the end of the block."""
    clock = FastClock()
    async with open_store(path, clock=clock) as store:
        run = await store.begin_run("live", Ruleset(()))
        yield Outbox(store, path, run, clock)


@asynccontextmanager
async def at_work(
    path: Path, replies: dict[str, bytes | None] | None = None
) -> AsyncIterator[tuple[Outbox, ScriptedServer, dict[str, Relay]]]:
    """An outbox, a server with these replies, and the relay `home` that leads there."""
    script = ScriptedServer(replies=dict(replies or {}))
    async with scripted_server(script) as server, open_outbox(path) as outbox:
        yield outbox, server, {"home": SmtpRelay(submission(server.port))}


@asynccontextmanager
async def running(
    work: Coroutine[None, None, None],
) -> AsyncIterator[asyncio.Task[None]]:
    """The work in a task, which is cancelled at the end of the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield task
        task.cancel()


@contextmanager
def told(name: str) -> Iterator[asyncio.Event]:
    """An event that is set as soon as this is logged."""
    is_told = asyncio.Event()

    def listen(logger: object, method: str, event: EventDict) -> EventDict:
        if event["event"] == name:
            is_told.set()
        return event

    processors = structlog.get_config()["processors"]
    processors.insert(0, listen)
    yield is_told
    processors.remove(listen)
