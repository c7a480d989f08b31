"""Committing what was decided: from there on a crash loses nothing.

Invariant: a decision that is told of was committed, and what goes out is told of after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from postroom.failpoints import Point, reach
from postroom.ports import Clock, Cursor, Decision, Mailbox, NotSent, Store
from postroom.rules.effects import Perform, Send
from postroom.service.aim import aim
from postroom.service.bookmark import Bookmark
from postroom.service.events import Observer
from postroom.service.reporting import report, report_unsent


@dataclass(frozen=True)
class Place:
    """Where and under which run a batch is committed, and when it was begun."""

    mailbox: Mailbox
    run: int
    begun: float


@dataclass(frozen=True)
class Commitment:
    """Commits the decisions of one account's mailboxes, and tells of them.

    `ring_outward` is called after something outward was committed.
    """

    store: Store
    clock: Clock
    bookmark: Bookmark
    observer: Observer
    ring_outward: Callable[[], None]

    async def commit(
        self, place: Place, decisions: Sequence[Decision], cursor: Cursor | None
    ) -> None:
        """Commit those that are charged, with the cursor; the others are taken back."""
        postponed = [each.message.key for each in decisions if not each.charged]
        if postponed:
            await self.store.take_back(postponed)
        charged = [decision for decision in decisions if decision.charged]
        charged = await aim(place.mailbox, charged)
        unsent: tuple[NotSent, ...] = ()
        if charged:
            unsent = await self.store.commit(place.run, charged, cursor)
            reach(Point.C7)
        elif cursor:
            await self.bookmark.set(place.mailbox, cursor)
        milliseconds = round((self.clock.monotonic() - place.begun) * 1000, 1)
        for decision in decisions:
            report(decision, milliseconds, self.observer)
        report_unsent(unsent)
        if any(_goes_out(decision) for decision in charged):
            self.ring_outward()


def _goes_out(decision: Decision) -> bool:
    effects = decision.plan.effects if decision.plan else ()
    return any(isinstance(planned.effect, Send | Perform) for planned in effects)
