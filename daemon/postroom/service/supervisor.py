"""The running daemon: who owns the tasks, and in which order they end.

One group owns the stations of the accounts, the sender, the performer and whoever
answers commands: whatever ends the one ends the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postroom.log import get_logger
from postroom.service import systemd
from postroom.service.assembly import Assembly
from postroom.service.crew import Crew
from postroom.service.housekeeping import Housekeeper
from postroom.service.leftovers import leftovers
from postroom.service.station import Station
from postroom.service.statuswords import Scene
from postroom.service.watch import Watch

if TYPE_CHECKING:
    from postroom.service.timetable import Timetable

log = get_logger()

Answering = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Service:
    """A running daemon: what was assembled, and the tasks of it."""

    assembly: Assembly
    keeper: Housekeeper
    crew: Crew | None = None
    # Whoever begins or ends the care of accounts does so alone.
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def timetable(self) -> Timetable:
        """What rings the bells."""
        # Loaded here: it takes long, and who handles mail once has no bells.
        from postroom.service.timetable import Timetable

        return Timetable()

    @property
    def stations(self) -> Mapping[str, Station]:
        """What looks after each account."""
        return self.assembly.stations

    @property
    def watches(self) -> tuple[Watch, ...]:
        """Every watched mailbox."""
        stations = self.stations.values()
        return tuple(watch for each in stations for watch in each.watches)

    async def run(
        self, stop: asyncio.Event, answering: Answering | None = None
    ) -> None:
        """Watch, send and perform until `stop` is set; then end in order. `answering`
        is run besides, for those who ask from outside."""
        parts = self.assembly
        async with self.timetable as timetable, Crew() as crew:
            self.crew = crew
            self.begin_all()
            crew.start("the housekeeper", self.keeper.run(timetable))
            crew.start("the sender", parts.sender.run())
            crew.start("the performer", parts.performer.run())
            crew.start("the announcer", parts.announcer.run())
            crew.start("the store", parts.store.broken())
            crew.start("the lookout", parts.lookout.run(self._follow_clock))
            if answering:
                crew.start("the control", answering())
            await self.tell("READY=1")
            crew.start("the line of status", parts.line.run(self._look))
            log.info("service_started", mailboxes=len(self.watches))
            await stop.wait()
            systemd.notify("STOPPING=1", "STATUS=stopping: what is begun is finished")
            log.info("service_stopping")

    def begin_all(self) -> None:
        """Look after each account that is not held, if nobody does."""
        parts = self.assembly
        for name in parts.configuration.settings.account:
            if name not in parts.stations and name not in parts.holds.accounts:
                station = parts.stations[name] = parts.make_station(name)
                if self.crew:
                    self.crew.start(_task_of(name), station.run(self.timetable))

    async def tell(self, *assignments: str) -> None:
        """Tell systemd these, and how the daemon stands if that is otherwise now."""
        await self.assembly.line.refresh(self._look, *assignments)

    def _look(self) -> Scene:
        parts = self.assembly
        held = parts.holds.accounts
        return Scene(
            {name: parts.line.told_of(name) for name in self.stations},
            paused=len(parts.configuration.settings.account.keys() & held.keys()),
            is_open=parts.door.is_open,
            relays=parts.sender.state,
            notices=parts.lookout.shortages,
        )

    def _follow_clock(self) -> None:
        """Have what waits for a time look again how long that is, as it was set."""
        self.timetable.begin_anew()
        self.assembly.ring_outward()

    async def end_all(self, accounts: Iterable[str]) -> None:
        """Look after these accounts no more; returns when nothing is at work."""
        await asyncio.gather(*(self._end(name) for name in accounts))

    async def _end(self, account: str) -> None:
        if self.crew:
            await self.crew.end(_task_of(account))
        self.assembly.stations.pop(account, None)
        self.assembly.lookout.forget(account)
        self.assembly.line.forget(account)

    async def run_once(self) -> tuple[str, ...]:
        """Handle what is there now, send and perform what is due; what went wrong."""
        parts = self.assembly
        began = parts.clock.now()
        self.begin_all()
        async with asyncio.TaskGroup() as group:
            announcing = group.create_task(parts.announcer.run())
            failures = await self._handle(lambda watch: True)
            await parts.performer.drain()
            await parts.sender.drain()
            # What went out may have let expunges go on.
            failures += await self._handle(lambda watch: watch.bell.is_set())
            await parts.announcer.drain()
            announcing.cancel()
        failures += parts.lookout.shortages
        relays = parts.sender.state.values()
        failures += [relay.last_error for relay in relays]
        failures += await leftovers(parts.store, began)
        return tuple(failure for failure in failures if failure)

    async def _handle(self, wanted: Callable[[Watch], bool]) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(station.handle_once(wanted))
                for station in self.stations.values()
            ]
        return [failure for task in tasks for failure in task.result()]


def _task_of(account: str) -> str:
    return f"account {account}"
