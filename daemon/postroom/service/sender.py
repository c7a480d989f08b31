"""Sending what is due: one lane a relay, so that one that is down delays no other.

A delivery is `sending` in the store before its final dot, and its result is recorded
before the next message is begun. What a relay itself can't do (connect, log in) is
never charged to a delivery. What became unknown is looked for, before anything else is
done about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NoReturn

from postroom.log import get_logger
from postroom.ports import Clock, Relay, Store
from postroom.service.crew import Crew
from postroom.service.door import Door
from postroom.service.health import RelayHealth, RelayState, SenderTimings
from postroom.service.inquirer import Inquirer
from postroom.service.jumps import always
from postroom.service.lane import Lane
from postroom.service.receipts import (
    OnEnded,
    OnSettled,
    SentOf,
    Settlement,
    nowhere,
)
from postroom.service.recording import recorded
from postroom.service.retries import RetrySchedule

log = get_logger()

_TIMINGS = SenderTimings()
# No account can be called so: it is no name of the settings.
_INQUIRER = "the inquirer"


class Sender:
    """Sends the deliveries of the store over the relays of these names.

    `on_settled` is told the (account, mailbox) pairs whose held-back expunges may now
    go on; `on_ended` awaits each delivery's end: the message, the state, the server's
    words. `random` draws from [0, 1). `sent` is where a relay's server keeps what was
    submitted.
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
        may_expire: Callable[[], bool] = always,
        sent: SentOf = nowhere,
    ) -> None:
        self._store = store
        self._clock = clock
        self._timings = timings
        self._door = door or Door()
        self._make_health = partial(
            RelayHealth, clock=clock, random=random, timings=timings
        )
        self._make_settlement = partial(
            Settlement,
            store=store,
            clock=clock,
            schedule=schedule,
            on_settled=on_settled,
            on_ended=on_ended,
            random=random,
            pause=timings.store_pause,
            may_expire=may_expire,
        )
        self._sent = sent
        settle = partial(self._make_settlement, looked=True)
        self._inquirer = Inquirer(store, clock, sent, settle, self.ring, timings)
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

    def try_now(self) -> None:
        """Say that the owner wants every relay tried now, even one that failed."""
        for lane in self._lanes.values():
            lane.try_now()

    async def run(self) -> NoReturn:
        """Send whatever falls due, until cancelled.

        When cancelled, a message whose final dot is out gets a last chance for its
        reply; then the relays are closed.
        """
        async with Crew() as self._crew:
            for name, lane in self._lanes.items():
                self._crew.start(name, lane.run())
            self._crew.start(_INQUIRER, self._inquirer.run())
            await asyncio.get_running_loop().create_future()
        raise AssertionError("a future that nobody sets was set")

    async def change(self, relays: Mapping[str, Relay], gone: Collection[str]) -> None:
        """Go on without the relays that are gone, and with these, new or changed."""
        for name in {*relays, *gone}:
            self._lanes.pop(name, None)
            if self._crew:
                await self._crew.end(name)
            if name in relays:
                self._lanes[name] = self._make_lane(name, relays[name])
            if self._crew:
                self._crew.start(name, self._succeed(name))

    async def _succeed(self, name: str) -> None:
        """Recover what the lane before had not heard the end of, and run the one that
        is there now, if any. It is no part of `change`, as the store may take long."""
        lane = self._lanes.get(name)
        sought = [name] if self._sent(name) else []
        unknown = await recorded(
            lambda: self._store.recover(self._clock.now(), name, sought),
            self._timings.store_pause,
        )
        if unknown:
            log.warning("deliveries_unknown", relay=name, count=unknown)
            self._inquirer.ring()
        if lane:
            await lane.run()

    def _make_lane(self, name: str, relay: Relay) -> Lane:
        return Lane(
            name,
            relay,
            self._store,
            self._clock,
            self._make_settlement(name, sent=self._sent, on_doubt=self._inquirer.ring),
            self._make_health(name),
            self._timings,
            self._door,
        )

    async def drain(self) -> None:
        """Send all that is due now, and close the relays; what is delayed waits, and
        what is unknown is looked for once."""
        await self._drain_lanes()
        if await self._inquirer.look():
            await self._drain_lanes()

    async def _drain_lanes(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, lane in self._lanes.items():
                group.create_task(lane.drain_and_close(), name=f"sender {name}")
