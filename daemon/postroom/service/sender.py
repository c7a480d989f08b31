"""Sending what is due: one lane a relay, so that one that is down delays no other.

A delivery is `sending` in the store before its final dot, and its result is recorded
before the next message is begun. What a relay itself can't do (connect, log in) is
never charged to a delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import NoReturn

from postroom.mail.envelope import Outgoing
from postroom.ports import Clock, Relay, Store
from postroom.service.crew import Crew
from postroom.service.door import Door
from postroom.service.health import RelayState, SenderTimings
from postroom.service.lane import Lane
from postroom.service.retries import RetrySchedule

OnSettled = Callable[[frozenset[tuple[str, str]]], None]
OnEnded = Callable[[Outgoing, str, str], Awaitable[None]]
_TIMINGS = SenderTimings()


class Sender:
    """Sends the deliveries of the store over the relays of these names.

    `on_settled` is told the (account, mailbox) pairs whose held-back expunges may now
    go on; `on_ended` awaits each delivery's end: the message, the state, the server's
    words. `random` draws from [0, 1).
    """

    def __init__(
        self,
        store: Store,
        relays: Mapping[str, Relay],
        clock: Clock,
        schedule: RetrySchedule,
        on_settled: OnSettled,
        on_ended: OnEnded,
        random: Callable[[], float],
        timings: SenderTimings = _TIMINGS,
        door: Door | None = None,
    ) -> None:
        self._make_lane = partial(
            Lane,
            store=store,
            clock=clock,
            schedule=schedule,
            on_settled=on_settled,
            on_ended=on_ended,
            random=random,
            timings=timings,
            door=door or Door(),
        )
        self._lanes = {
            name: self._make_lane(name, relay) for name, relay in relays.items()
        }
        self._crew: Crew | None = None

    @property
    def state(self) -> dict[str, RelayState]:
        """How each relay is doing, by its name."""
        return {name: lane.state for name, lane in self._lanes.items()}

    def ring(self) -> None:
        """Say that there may be something new to send."""
        for lane in self._lanes.values():
            lane.ring()

    async def run(self) -> NoReturn:
        """Send whatever falls due, until cancelled.

        When cancelled, a message whose final dot is out gets a last chance for its
        reply; then the relays are closed.
        """
        async with Crew() as self._crew:
            for name, lane in self._lanes.items():
                self._crew.start(name, lane.run())
            await asyncio.get_running_loop().create_future()
        raise AssertionError("a future that nobody sets was set")

    async def change(self, relays: Mapping[str, Relay], gone: Collection[str]) -> None:
        """Go on without the relays that are gone, and with these, new or changed."""
        for name in {*relays, *gone} & self._lanes.keys():
            del self._lanes[name]
            if self._crew:
                await self._crew.end(name)
        for name, relay in relays.items():
            lane = self._lanes[name] = self._make_lane(name, relay)
            if self._crew:
                self._crew.start(name, lane.run())

    async def drain(self) -> None:
        """Send all that is due now, and close the relays; what is delayed waits."""
        async with asyncio.TaskGroup() as group:
            for name, lane in self._lanes.items():
                group.create_task(lane.drain_and_close(), name=f"sender {name}")
