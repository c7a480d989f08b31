"""Several mailboxes over one connection: looked at one after the other.

STATUS tells in one round trip whether a mailbox stands as it did; only one that does
not, or that was not looked into for a while, is opened. A mailbox that can't be opened
holds up no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from postroom.errors import (
    PermanentError,
    RefusedForNow,
    StoreError,
    StoreUnavailable,
    TemporaryError,
)
from postroom.log import get_logger
from postroom.ports import Clock, Session, Standing
from postroom.service.events import WatchState
from postroom.service.line import Line, Waits
from postroom.service.waiting import rung_within
from postroom.service.watch import Watch

log = get_logger()

# A mailbox at which so many connections ended in a row is left alone for a while.
_MOST_ENDS = 3


@dataclass(frozen=True)
class PatrolTimings:
    """In seconds: how often the connection is proved while nothing is to be done, and
    how long STATUS is believed before the mailbox is looked into."""

    probe: float = 300
    believed: float = 900


@dataclass
class _Post:
    """One mailbox on the round: how it stood, when it was looked into, how often in a
    row the connection ended at it, and when one that can't be used is tried again."""

    watch: Watch
    standing: Standing | None = None
    looked: float | None = None
    ends: int = 0
    closed_until: float = 0
    reason: str = ""
    unusable: Waits = field(default_factory=Waits)

    def is_due(self, now: float) -> bool:
        """True if it was left alone, and is to be tried again."""
        return bool(self.closed_until) and now >= self.closed_until

    def close(self, now: float, reason: str) -> float:
        """Leave it alone for a while; for how many seconds."""
        delay = self.unusable.next()
        self.closed_until, self.reason, self.standing = now + delay, reason, None
        return delay


@dataclass
class Patrol:
    """Watches these mailboxes of one account."""

    line: Line
    watches: Sequence[Watch]
    clock: Clock
    timings: PatrolTimings = PatrolTimings()
    _posts: list[_Post] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._posts = [_Post(watch) for watch in self.watches]

    async def run(self) -> NoReturn:
        """Watch until cancelled; failures of the server are waited out."""
        await self.line.keep(self._go_round, self)

    async def tell(
        self, state: WatchState, detail: str = "", delay: float | None = None
    ) -> None:
        """Tell it of every mailbox."""
        for watch in self.watches:
            await watch.tell(state, detail, delay)

    async def fail(
        self, state: WatchState, error: Exception, delay: float | None
    ) -> None:
        """Tell it of every mailbox."""
        for watch in self.watches:
            await watch.fail(state, error, delay)

    async def _go_round(self, session: Session) -> NoReturn:
        # One at which connections end comes last: it must not keep the others waiting.
        self._posts.sort(key=lambda post: post.ends)
        for post in self._posts:
            post.standing = None
            await self._visit(session, post)
        log.info(
            "mailboxes_polled",
            account=self.watches[0].account,
            mailboxes=[watch.mailbox for watch in self.watches],
            generation=session.generation,
        )
        bells = [watch.bell for watch in self.watches]
        while True:
            if not await rung_within(self._rest(), *bells):
                await session.prove()
            now = self.clock.monotonic()
            for post in self._posts:
                if post.watch.bell.is_set() or post.is_due(now):
                    await self._visit(session, post)

    def _rest(self) -> float:
        """Until the next is due, but no longer than until the connection is proved."""
        now = self.clock.monotonic()
        due = (post.closed_until - now for post in self._posts if post.closed_until)
        return max(0, min(self.timings.probe, *due, self.timings.probe))

    async def _visit(self, session: Session, post: _Post) -> None:
        """See how it stands, and look into it where that tells of anything."""
        post.watch.bell.clear()
        closed_for = post.closed_until - self.clock.monotonic()
        if closed_for > 0:
            await post.watch.tell(WatchState.RETRYING, post.reason, closed_for)
            return
        try:
            await self._look(session, post)
        except (StoreError, StoreUnavailable):
            raise
        except (RefusedForNow, PermanentError) as error:
            delay = post.close(self.clock.monotonic(), str(error))
            await post.watch.fail(WatchState.RETRYING, error, delay)
            return
        except TemporaryError as error:
            self._note_end(post, error)
            raise
        self.line.works()
        post.ends, post.closed_until = 0, 0
        post.unusable.clear()
        await post.watch.tell(WatchState.POLLING)

    def _note_end(self, post: _Post, error: TemporaryError) -> None:
        post.ends += 1
        if post.ends >= _MOST_ENDS:
            post.close(self.clock.monotonic(), str(error))

    async def _look(self, session: Session, post: _Post) -> None:
        watch = post.watch
        # Before the look: what comes during it makes another standing.
        standing = await session.standing(watch.mailbox)
        if self._is_unchanged(post, standing):
            await watch.processor.note_unchanged(watch.mailbox)
            return
        post.looked = self.clock.monotonic()
        await watch.look(await session.open(watch.mailbox))
        post.standing = standing

    def _is_unchanged(self, post: _Post, standing: Standing | None) -> bool:
        if standing is None or standing != post.standing or post.watch.work_waits:
            return False
        looked = post.looked
        now = self.clock.monotonic()
        return looked is not None and now - looked < self.timings.believed
