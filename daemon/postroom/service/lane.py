"""The deliveries of one relay, one message after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from postroom.errors import AuthenticationError, ContentError, TemporaryError
from postroom.log import get_logger
from postroom.mail.envelope import Outgoing, Retry
from postroom.ports import (
    Clock,
    DeliveryResult,
    DeliveryState,
    DueDelivery,
    Receipt,
    Relay,
    RelayReport,
    Store,
)
from postroom.service.door import Door
from postroom.service.finishing import finish
from postroom.service.health import RelayHealth, RelayState, SenderTimings
from postroom.service.retries import RetrySchedule

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
        schedule: RetrySchedule,
        on_settled: Callable[[frozenset[tuple[str, str]]], None],
        on_ended: Callable[[Outgoing, str, str], Awaitable[None]],
        random: Callable[[], float],
        timings: SenderTimings,
        door: Door,
    ) -> None:
        self._door = door
        self.name = name
        self._relay = relay
        self._store = store
        self._clock = clock
        self._schedule = schedule
        self._on_settled = on_settled
        self._on_ended = on_ended
        self._random = random
        self._timings = timings
        self._health = RelayHealth(name, clock, random, timings)
        self._bell = asyncio.Event()
        self._dot_in_flight = False
        # Messages at which the relay failed, and how many had been served before.
        self._suspects: dict[int, int] = {}
        self._served = 0
        # None: what an earlier process reported is not true of this one.
        self._reported: RelayReport | None = None

    @property
    def state(self) -> RelayState:
        """How the relay is doing."""
        return self._health.state

    def ring(self) -> None:
        """Say that there may be something new to send."""
        self._bell.set()

    async def run(self) -> None:
        """Send whatever falls due, until cancelled; then close the relay."""
        try:
            while True:
                self._bell.clear()
                try:
                    await self._rest(await self._drain())
                except TemporaryError as error:  # the store's: its disk is full, say
                    log.warning("store_unavailable", error=str(error))
                    await asyncio.sleep(self._timings.store_pause)
        finally:
            await self._relay.close()

    async def drain_and_close(self) -> None:
        """Send what is due now, as far as the relay takes it, and close the relay."""
        try:
            await self._drain()
        finally:
            await self._relay.close()

    async def _drain(self) -> float | None:
        """Send what is due, and report how the relay does; how many seconds to stay
        away from it, if any."""
        stay_away = await self._send_due()
        report = RelayReport(self.name, self.state.last_error, self.state.retry_at)
        if report != self._reported:
            await self._store.report_relay(report)
            self._reported = report
        return stay_away

    async def _send_due(self) -> float | None:
        while due := await self._due():
            for outgoing_id, deliveries in self._in_order(due):
                stay_away = await self._deliver_even_if_stopped(outgoing_id, deliveries)
                if stay_away is not None:
                    return stay_away
        return None

    async def _due(self) -> list[DueDelivery]:
        if not self._door.is_open:
            return []
        return await self._store.due(self._clock.now(), _BATCH, self.name)

    async def _rest(self, stay_away: float | None) -> None:
        """Wait for the bell or the next due time; for a relay that fails, its time."""
        if stay_away is not None:
            await asyncio.sleep(stay_away)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._until_next_due()):
                await self._bell.wait()

    async def _until_next_due(self) -> float:
        longest = self._timings.longest_rest
        if not self._door.is_open:
            return longest
        due = await self._store.next_due(self.name)
        if due is None:
            return longest
        return min((due - self._clock.now()).total_seconds(), longest)

    def _in_order(
        self, due: Iterable[DueDelivery]
    ) -> list[tuple[int, list[DueDelivery]]]:
        """By message; those at which the relay failed last come last, so that a message
        that a relay can't bear does not keep back all others for ever."""
        groups: dict[int, list[DueDelivery]] = {}
        for delivery in due:
            groups.setdefault(delivery.outgoing_id, []).append(delivery)
        return sorted(groups.items(), key=lambda group: group[0] in self._suspects)

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
        try:
            outgoing = await self._store.outgoing(outgoing_id)
        except ContentError as error:
            await self._hold(deliveries, str(error))
            return None
        return await self._attempt(outgoing_id, outgoing, deliveries)

    async def _attempt(
        self, outgoing_id: int, outgoing: Outgoing, deliveries: Sequence[DueDelivery]
    ) -> float | None:
        begun = self._clock.monotonic()
        try:
            receipts = await self._send(outgoing, deliveries)
        except (TemporaryError, AuthenticationError) as error:
            if not self._is_to_blame(outgoing_id):
                return self._health.failed(error)
            failure = Receipt(DeliveryState.DELAYED, reply=f"not sent: {error}")
            failures = {each.recipient: failure for each in deliveries}
            await self._settle(outgoing, deliveries, failures, begun)
            return None
        self._suspects.pop(outgoing_id, None)
        await self._settle(outgoing, deliveries, receipts, begun)
        return self._judge(receipts)

    def _is_to_blame(self, outgoing_id: int) -> bool:
        """True if the relay failed at this message before, and has served others since:
        then it is the message that is charged, and nobody stays away."""
        return self._served > self._suspects.setdefault(outgoing_id, self._served)

    async def _hold(self, deliveries: Sequence[DueDelivery], reason: str) -> None:
        """Leave these to a person; whom they are for is all that is known of them."""
        receipt = Receipt(DeliveryState.HELD, reply=reason)
        results = [
            DeliveryResult(each.id, receipt, charged=False) for each in deliveries
        ]
        self._on_settled(await self._record(results))
        for each in deliveries:
            log.error(
                "delivery_held",
                relay=self.name,
                outgoing=each.outgoing_id,
                recipient=each.recipient,
                reason=reason,
            )

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
        results = [
            self._result(each, outgoing.retry, receipts[each.recipient])
            for each in deliveries
        ]
        self._on_settled(await self._record(results))
        milliseconds = round((self._clock.monotonic() - begun) * 1000)
        for delivery, result in zip(deliveries, results, strict=True):
            self._tell(delivery, result, milliseconds)
            if result.next_attempt is None:
                receipt = result.receipt
                await self._on_ended(outgoing, str(receipt.state), receipt.reply)

    def _tell(
        self, delivery: DueDelivery, result: DeliveryResult, milliseconds: int
    ) -> None:
        receipt, again = result.receipt, result.next_attempt
        event = log.bind(
            relay=self.name,
            outgoing=delivery.outgoing_id,
            recipient=delivery.recipient,
            state=str(receipt.state),
            code=receipt.code,
            ms=milliseconds,
        )
        if again is not None:
            again_at = again.isoformat()
            event.warning("delivery_delayed", reply=receipt.reply, again_at=again_at)
        elif receipt.state is DeliveryState.DELIVERED:
            event.info("delivery_settled")
        else:
            event.warning("delivery_settled", reply=receipt.reply)

    async def _record(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results, however long that takes: if they were forgotten, what was
        delivered would be sent again."""
        while True:
            try:
                return await self._store.settle(results)
            except TemporaryError as error:
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(self._timings.store_pause)

    def _result(
        self, delivery: DueDelivery, retry: Retry, receipt: Receipt
    ) -> DeliveryResult:
        """What a receipt means for a delivery: try again when, or no more."""
        unknown = receipt.state is DeliveryState.UNKNOWN
        if unknown:
            receipt = replace(receipt, reply=f"outcome unknown: {receipt.reply}")
        repeated = unknown and retry is Retry.AT_LEAST_ONCE
        if receipt.state is not DeliveryState.DELAYED and not repeated:
            return DeliveryResult(delivery.id, receipt)
        again = self._schedule.next_attempt(
            delivery.attempts + 1, delivery.created, self._clock.now(), self._random
        )
        if again is None and not unknown:
            expired = f"expired; the last reply was: {receipt.reply}"
            receipt = replace(receipt, state=DeliveryState.FAILED, reply=expired)
        return DeliveryResult(delivery.id, receipt, again)

    def _judge(self, receipts: Mapping[str, Receipt]) -> float | None:
        """Note how the relay did; how many seconds to stay away from it, if any."""
        for receipt in receipts.values():
            if receipt.code == 0 and receipt.state is not DeliveryState.FAILED:
                return self._health.failed(TemporaryError(receipt.reply))
        self._health.works()
        self._served += 1
        return None
