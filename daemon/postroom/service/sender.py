"""Sending what is due: one lane a relay, so that one that is down delays no other.

A delivery is `sending` in the store before its final dot, and its result is recorded
before the next message is begun. What a relay itself can't do (connect, log in) is
never charged to a delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from postroom.mail.envelope import Outgoing
from postroom.ports import Clock, Relay, Store
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
    ) -> None:
        self._lanes = [
            Lane(
                name,
                relay,
                store,
                clock,
                schedule,
                on_settled,
                on_ended,
                random,
                timings,
            )
            for name, relay in relays.items()
        ]

    @property
    def state(self) -> dict[str, RelayState]:
        """How each relay is doing, by its name."""
        return {lane.name: lane.state for lane in self._lanes}

    def ring(self) -> None:
        """Say that there may be something new to send."""
        for lane in self._lanes:
            lane.ring()

    async def run(self) -> None:
        """Send whatever falls due, until cancelled.

        When cancelled, a message whose final dot is out gets a last chance for its
        reply; then the relays are closed.
        """
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.run(), name=f"sender {lane.name}")

    async def drain(self) -> None:
        """Send all that is due now, and close the relays; what is delayed waits."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.drain_and_close(), name=f"sender {lane.name}")
