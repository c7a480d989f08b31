"""A daemon with nothing but its store, which may end at any step and begins again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from postroom.errors import TemporaryError
from postroom.hooks.leash import Leash
from postroom.mail.owner import Owner
from postroom.ports import PAUSED, HoldKind, Ruleset
from postroom.rules.rule import Rule
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.commitment import Commitment
from postroom.service.decider import Decider
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.events import ignore
from postroom.service.gatherer import Gatherer
from postroom.service.holds import Holds
from postroom.service.jumps import WallClock
from postroom.service.processor import Processor
from postroom.service.provision import Provision
from postroom.service.retries import RetrySchedule
from postroom.service.rulebook import Edition, Rulebook
from postroom.service.sender import Sender
from postroom.service.web import Web
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.model.life import Ended, Life, Line, WorldClock
from tests.model.relay import RelayServer, Submission
from tests.model.server import ACCOUNT, INBOX, MailServer, OpenMailbox


@dataclass(frozen=True)
class MortalStore:
    """The real store, each of whose calls may be the daemon's last."""

    store: SqlStore
    life: Life
    on_settled: Callable[[], None]

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - the store's
            self.life.step()
            result = await getattr(self.store, name)(*values, **named)
            if name == "settle":
                self.on_settled()
            return result

        return call


@dataclass
class Daemon:
    """What handles the mail of one account; the servers and the file outlive it."""

    path: Path
    clock: WorldClock
    mail: MailServer
    relay: RelayServer
    rules: Sequence[Rule]
    life: Life = field(default_factory=Life)

    def __post_init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._begin([])

    def close(self) -> None:
        """End, whatever state it is in."""
        with self._runner:
            self._runner.run(self._stack.aclose())

    def visit(self, lives: Sequence[int], words: int | None) -> bool:
        """Handle what is there and send what is due; False if the daemon ended on the
        way. It has so many steps to live, and so many once it has begun again; the
        connection lasts for so many words."""
        self.life.left = lives[0] if lives else None
        is_alive = self._live(self._visit(words))
        if is_alive:
            self.life.left = None
        else:
            self.restart(lives[1:])
        return is_alive

    def restart(self, lives: Sequence[int] = ()) -> None:
        """Begin again with what is on the disk."""
        self._runner.run(self._stack.aclose())
        self._begin(lives)

    def change_rules(self, rules: Sequence[Rule]) -> None:
        """Go by these from now on, as a reload does."""
        self.rules = rules
        self._runner.run(self._take_over())

    def pause(self, rule: str) -> None:
        """Hold a rule, as its owner does."""
        self._runner.run(self._holds.hold(HoldKind.RULE, rule, PAUSED))

    def release_all(self) -> None:
        """Release every rule, and what is in quarantine."""
        self._runner.run(self._release_all())

    def checked(self) -> datetime:
        """When the inbox was looked at last, by the wall clock of then."""
        cursor = self._runner.run(self._store.cursor(ACCOUNT, INBOX))
        assert cursor, "it was looked at once"
        return cursor.checked

    # -- insides

    def _live(self, work: Coroutine[Any, Any, None]) -> bool:
        try:
            self._runner.run(work)
        except* Ended:
            self.relay.note_end()
        return not self.life.ended

    def _begin(self, lives: Sequence[int]) -> None:
        self.life = Life(lives[0] if lives else None)
        if not self._live(self._open()):
            self.restart(lives[1:])
        self.life.left = None

    async def _open(self) -> None:
        opened = open_store(self.path, clock=self.clock)
        store = await self._stack.enter_async_context(opened)
        mortal = MortalStore(store, self.life, self.relay.note_settled)
        self._store = cast(SqlStore, mortal)
        self._holds = Holds(self._store, self.clock)
        self._book = Rulebook(Edition.of(0, ()))
        await self._take_over()
        await self._store.recover(self.clock.now())
        self._processor = self._make_processor()
        self._sender = self._make_sender()

    async def _take_over(self) -> None:
        names = "\n".join(rule.name for rule in self.rules)
        run = await self._store.begin_run("live", Ruleset((("rules.toml", names),)))
        await self._holds.open(self.rules)
        self._book.edition = Edition.of(run, self.rules)

    async def _visit(self, words: int | None) -> None:
        try:
            await self._look(words)
            await self._sender.drain()
            await self._look(None)
        except TemporaryError:
            await self._sender.drain()

    async def _look(self, words: int | None) -> None:
        mailbox = OpenMailbox(self.mail, Line(self.life, words))
        await self._processor.catch_up(mailbox)

    async def _release_all(self) -> None:
        for hold in await self._store.holds():
            await self._holds.release(hold.kind, hold.name)
        ids = [each.id for each in await self._store.quarantined()]
        await self._store.release_quarantined(ids)

    def _make_sender(self) -> Sender:
        return Sender(
            self._store,
            {ACCOUNT: Submission(self.relay, self.life)},
            self.clock,
            RetrySchedule(),
            lambda places: None,
            _end,
            lambda: 0.5,
            may_expire=WallClock(self.clock).may_expire,
        )

    def _make_processor(self) -> Processor:
        sizes = BatchSizes()
        shared = (self._store, self.clock)
        bookmark = Bookmark(ACCOUNT, *shared, adopt_existing=True, sizes=sizes)
        return Processor(
            account=ACCOUNT,
            book=self._book,
            store=self._store,
            clock=self.clock,
            bookmark=bookmark,
            deliberation=self._make_deliberation(),
            effector=Effector(self._store, ignore),
            commitment=Commitment(*shared, bookmark, ignore, lambda: None),
            sizes=sizes,
        )

    def _make_deliberation(self) -> Deliberation:
        parts = (self.path.parent, self._store, self.clock, Web())
        return Deliberation(
            owner=Owner(ACCOUNT, "me@ours.example", "Me"),
            store=self._store,
            clock=self.clock,
            decider=Decider(),
            gatherer=Gatherer(Provision({}, *parts).services, Leash()),
            holds=self._holds,
            max_size=1_000_000,
        )


async def _end(outgoing: object, state: str, detail: str) -> None:
    """Nobody waits for it."""
