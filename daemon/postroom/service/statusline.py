"""The line of status that systemd is told, kept current.

Invariant: it is sent when its text has changed, and at no other time; what stands still
costs a look a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from postroom.errors import StoreUnavailable
from postroom.log import get_logger
from postroom.ports import Clock, DeliveryState
from postroom.service import systemd
from postroom.service.events import Event, Observer, WatchChanged
from postroom.service.statuswords import Scene, tell_scene
from postroom.service.waiting import rung_within
from postroom.store.store import SqlStore

log = get_logger()


@dataclass(frozen=True)
class LineTimings:
    """In seconds: the least between two looks, how often is looked while times are
    counted down to or mail waits to go out, and how often otherwise."""

    least: float = 1
    soon: float = 15
    late: float = 60


@dataclass
class StatusLine:
    """Tells `systemctl status` how the daemon stands.

    `tell` takes the assignments for systemd.
    """

    store: SqlStore
    clock: Clock
    tell: Callable[..., None] = systemd.notify
    timings: LineTimings = LineTimings()
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _watches: dict[tuple[str, str], WatchChanged] = field(default_factory=dict)
    _notices: dict[str, str] = field(default_factory=dict)
    _outbox: Mapping[DeliveryState, int] = field(default_factory=dict)
    _told: str = ""

    def ring(self) -> None:
        """Say that something may stand otherwise than before."""
        self._bell.set()

    def overhearing(self, observer: Observer) -> Observer:
        """The observer, with what it is told noted here."""

        def hear(event: Event) -> None:
            if isinstance(event, WatchChanged):
                self._watches[event.account, event.mailbox] = event
                self.ring()
            observer(event)

        return hear

    def forget(self, account: str) -> None:
        """Tell of what was told of this account no more."""
        for key in [each for each in self._watches if each[0] == account]:
            del self._watches[key]
        self.ring()

    def notice(self, name: str, text: str) -> None:
        """Have the line end with this, until it is told otherwise or taken away."""
        self._notices[name] = text
        self.ring()

    def told_of(self, account: str) -> list[WatchChanged]:
        """What was last told of each mailbox of the account."""
        told = self._watches.items()
        return [each for (name, _), each in told if name == account]

    async def run(self, look: Callable[[], Scene]) -> NoReturn:
        """Tell of what is seen, whenever it is otherwise, until cancelled."""
        while True:
            self._bell.clear()
            waits = await self.refresh(look)
            # A burst of changes is one line.
            await asyncio.sleep(self.timings.least)
            pause = self.timings.soon if waits else self.timings.late
            await rung_within(pause, self._bell)

    async def refresh(self, look: Callable[[], Scene], *assignments: str) -> bool:
        """Look now, and tell it, after these assignments; True if it waits for what
        comes soon."""
        await self._count()
        scene = look()
        notices = (*scene.notices, *filter(None, self._notices.values()))
        scene = replace(scene, outbox=self._outbox, notices=notices)
        text = tell_scene(scene, self.clock.now())
        changed = [f"STATUS={text}"] * (text != self._told)
        self._told = text
        if assignments or changed:
            self.tell(*assignments, *changed)
        return scene.waits

    async def _count(self) -> None:
        try:
            self._outbox = await self.store.outbox()
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=str(error))
