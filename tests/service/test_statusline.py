"""The line of status is told when it has changed, and at no other time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from postroom.rules.effects import Send
from postroom.service.events import Event, WatchChanged, WatchState
from postroom.service.statusline import LineTimings, StatusLine
from postroom.service.statuswords import Scene
from postroom.store.store import SqlStore
from tests.store.samples import StillClock, decide, message, outgoing, plan, with_store

AT_ONCE = LineTimings(least=0)


@dataclass
class Hearer:
    """What the line told, and a way to wait for more of it."""

    lines: list[tuple[str, ...]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, *assignments: str) -> None:
        self.lines.append(assignments)
        self.news.set()

    async def until(self, line: str) -> None:
        """Wait until the last line is this."""
        async with asyncio.timeout(30):
            while not self.lines or self.lines[-1] != (f"STATUS={line}",):
                self.news.clear()
                await self.news.wait()


def changed(state: WatchState, account: str = "home") -> Event:
    """A watcher is at something else."""
    return WatchChanged(account, "INBOX", state)


def test_it_is_told_once_for_each_text(tmp_path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        told = Hearer()
        line = StatusLine(store, StillClock(), told)
        await line.refresh(lambda: Scene({}), "READY=1")
        await line.refresh(lambda: Scene({}))
        await line.refresh(lambda: Scene({}), "READY=1")
        assert told.lines == [("READY=1", "STATUS=0 accounts; outbox 0"), ("READY=1",)]

    with_store(tmp_path / "store", steps)


def test_what_changes_is_told_at_once(tmp_path: Path) -> None:
    """A mailbox, the outbox, and what is noted besides; what is forgotten is not."""

    async def steps(store: SqlStore) -> None:
        told, heard = Hearer(), list[Event]()
        line = StatusLine(store, StillClock(), told, AT_ONCE)
        hear = line.overhearing(heard.append)

        def look() -> Scene:
            return Scene({"home": line.told_of("home")})

        running = asyncio.create_task(line.run(look))
        await told.until("1 account, 1 connecting; outbox 0")
        hear(changed(WatchState.IDLE))
        hear(changed(WatchState.REFUSED, account="other"))
        await told.until("1 account, 1 idle; outbox 0")
        assert len(heard) == 2
        send = Send(outgoing("ann@x.test"))
        await decide(store, (message(1), plan("k", send)))
        line.ring()
        await told.until("1 account, 1 idle; outbox 1")
        line.notice("reload", "a reload was refused")
        await told.until("1 account, 1 idle; outbox 1; a reload was refused")
        line.notice("reload", "")
        line.forget("home")
        await told.until("1 account, 1 connecting; outbox 1")
        running.cancel()

    with_store(tmp_path / "store", steps)


def test_a_time_that_is_counted_down_to_is_told_anew(tmp_path: Path) -> None:
    """Though nothing rings."""

    async def steps(store: SqlStore) -> None:
        told, clock = Hearer(), StillClock()
        timings = LineTimings(least=0, soon=0.01, late=900)
        line = StatusLine(store, clock, told, timings)
        send = Send(outgoing("ann@x.test"))
        await decide(store, (message(1), plan("k", send)))
        running = asyncio.create_task(line.run(lambda: Scene({})))
        await told.until("0 accounts; outbox 1")
        (due,) = await store.due(clock.now(), 1)
        await store.drop_deliveries([due.id])
        await told.until("0 accounts; outbox 0")
        running.cancel()

    with_store(tmp_path / "store", steps)
