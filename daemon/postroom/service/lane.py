"""The deliveries of one relay, one message after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from postroom.errors import (
    AuthenticationError,
    ContentError,
    StoreUnavailable,
    TemporaryError,
    Withdrawn,
)
from postroom.log import get_logger
from postroom.mail.envelope import Outgoing
from postroom.ports import (
    Clock,
    DeliveryState,
    DueDelivery,
    Receipt,
    Relay,
    RelayReport,
    Store,
)
from postroom.ports.stages import FATAL
from postroom.service.attempts import Attempts
from postroom.service.blame import Blame
from postroom.service.door import Door
from postroom.service.finishing import finish
from postroom.service.health import RelayHealth, RelayState, SenderTimings
from postroom.service.receipts import Settlement
from postroom.service.waiting import rung_within

log = get_logger()

_BATCH = 100


class Lane:
    """Sends what is due at one relay, in order; stays away from it when it fails."""

    def __init__(
        self,
        name: str,
        relay: Relay,
        store: Store,
        clock: Clock,
        settlement: Settlement,
        health: RelayHealth,
        timings: SenderTimings,
        door: Door,
    ) -> None:
        self.name = name
        self._relay = relay
        self._store = store
        self._clock = clock
        self._settlement = settlement
        self._health = health
        self._timings = timings
        self._door = door
        self._attempts = Attempts()
        self._bell = asyncio.Event()
        # An arrival must not have a relay tried that is to be stayed away from.
        self._wanted_now = asyncio.Event()
        self._dot_in_flight = False
        self._blame = Blame()
        # None: what an earlier process reported is not true of this one.
        self._reported: RelayReport | None = None

    @property
    def state(self) -> RelayState:
        """How the relay is doing."""
        return self._health.state

    def ring(self) -> None:
        """Say that there may be something new to send."""
        self._bell.set()

    def try_now(self) -> None:
        """Say that the owner wants the relay tried now, even if it failed."""
        self._health.forgive()
        self._wanted_now.set()
        self._bell.set()

    async def run(self) -> None:
        """Send whatever falls due, until cancelled; then close the relay."""
        try:
            while True:
                self._bell.clear()
                self._wanted_now.clear()
                try:
                    await self._rest(await self._drain())
                except TemporaryError as error:  # the store's: its disk is full, say
                    log.warning("store_unavailable", error=str(error))
                    await rung_within(self._timings.store_pause, self._bell)
        finally:
            await self._relay.close()

    async def drain_and_close(self) -> None:
        """Send what is due now, as far as the relay takes it, and close the relay."""
        try:
            await self._drain()
        finally:
            await self._relay.close()

    async def _drain(self) -> float | None:
        """Send what is due, and report how the relay does; how long to stay away."""
        stay_away = await self._send_due()
        report = RelayReport(self.name, self.state.last_error, self.state.retry_at)
        if report != self._reported:
            await self._store.report_relay(report)
            self._reported = report
        return stay_away

    async def _send_due(self) -> float | None:
        if (limited := self._health.limited_for()) is not None:
            return limited
        while due := await self._due():
            try:
                stay_away = await self._send_batch(due)
            except Withdrawn as error:
                # The owner took one of them away: the rest is asked for anew.
                log.info("delivery_taken_away", relay=self.name, reason=str(error))
            else:
                if stay_away is not None:
                    return stay_away
        return None

    async def _due(self) -> list[DueDelivery]:
        if not self._door.is_open:
            return []
        return await self._store.due(self._clock.now(), _BATCH, self.name)

    async def _send_batch(self, due: Iterable[DueDelivery]) -> float | None:
        for outgoing_id, deliveries in self._blame.in_order(due):
            if not self._door.is_open:  # it was closed after the message before
                return None
            stay_away = await self._deliver_even_if_stopped(outgoing_id, deliveries)
            if stay_away is not None:
                return stay_away
        return None

    async def _rest(self, stay_away: float | None) -> None:
        """Wait for the bell or the next due time; for a relay that fails, its time or
        the owner's word."""
        if stay_away is not None:
            await rung_within(stay_away, self._wanted_now)
        else:
            await rung_within(await self._until_next_due(), self._bell)

    async def _until_next_due(self) -> float:
        longest = self._timings.longest_rest
        if not self._door.is_open:
            return longest
        due = await self._store.next_due(self.name)
        if due is None:
            return longest
        return min((due - self._clock.now()).total_seconds(), longest)

    # -- one message -------------------------------------------------------------------

    async def _deliver_even_if_stopped(
        self, outgoing_id: int, deliveries: Sequence[DueDelivery]
    ) -> float | None:
        """Deliver; when cancelled after the final dot, still wait for its reply.

        Without the reply the deliveries stay `sending`: recovering makes them unknown.
        """
        self._dot_in_flight = False
        return await finish(self._deliver(outgoing_id, deliveries), self._grace)

    def _grace(self) -> float:
        return self._timings.finish if self._dot_in_flight else 0

    async def _deliver(
        self, outgoing_id: int, deliveries: Sequence[DueDelivery]
    ) -> float | None:
        ends = self._attempts.ended_processes
        if fatal := [each for each in deliveries if ends(each.id, each.begun)]:
            await self._settlement.hold(fatal, FATAL, charged=True)
        if not (deliveries := [each for each in deliveries if each not in fatal]):
            return None
        try:
            outgoing = await self._store.outgoing(outgoing_id)
        except ContentError as error:
            await self._settlement.hold(deliveries, str(error))
            return None
        begun = [each.id for each in deliveries]
        try:
            await self._attempts.begin(begun, self._store.begin_sending)
            return await self._attempt(outgoing_id, outgoing, deliveries)
        except (TemporaryError, asyncio.CancelledError):
            await self._take_back(deliveries)
            raise

    async def _take_back(self, deliveries: Sequence[DueDelivery]) -> None:
        uncount = self._store.take_back_sending
        await self._attempts.take_back([each.id for each in deliveries], uncount)

    async def _attempt(
        self, outgoing_id: int, outgoing: Outgoing, deliveries: Sequence[DueDelivery]
    ) -> float | None:
        begun = self._clock.monotonic()
        try:
            receipts = await self._send(outgoing, deliveries)
        except (Withdrawn, StoreUnavailable):
            raise  # the relay has cut the transaction, and is not to blame
        except (TemporaryError, AuthenticationError) as error:
            if not self._blame.is_on(outgoing_id):
                stay_away = self._health.failed(error)
                await self._take_back(deliveries)
                return stay_away
            failure = Receipt(DeliveryState.DELAYED, reply=f"not sent: {error}")
            failures = {each.recipient: failure for each in deliveries}
            await self._settle(outgoing, deliveries, failures, begun)
            return None
        self._blame.clear(outgoing_id)
        await self._settle(outgoing, deliveries, receipts, begun)
        rest = self._health.judge(receipts.values())
        if rest is None:
            self._blame.note_served()
        return rest

    async def _send(
        self, outgoing: Outgoing, deliveries: Sequence[DueDelivery]
    ) -> dict[str, Receipt]:
        async def before_dot(accepted: Sequence[str]) -> None:
            self._dot_in_flight = True
            await self._store.mark_sending(
                [each.id for each in deliveries if each.recipient in accepted]
            )

        recipients = [each.recipient for each in deliveries]
        return await self._relay.send(outgoing, recipients, before_dot)

    async def _settle(
        self,
        outgoing: Outgoing,
        deliveries: Sequence[DueDelivery],
        receipts: Mapping[str, Receipt],
        begun: float,
    ) -> None:
        took = timedelta(seconds=self._clock.monotonic() - begun)
        await self._settlement.settle(outgoing, deliveries, receipts, took)
        self._attempts.ended(each.id for each in deliveries)
