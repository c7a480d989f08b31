"""What the receipts of a relay mean for the deliveries of a message.

Invariant: a result is recorded however long that takes. If it were forgotten, what was
delivered would be sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from postroom.log import get_logger
from postroom.mail.envelope import Outgoing, Retry
from postroom.ports import (
    Clock,
    DeliveryResult,
    DeliveryState,
    DueDelivery,
    Receipt,
    Store,
)
from postroom.service.jumps import always
from postroom.service.recording import recorded
from postroom.service.retries import RetrySchedule

log = get_logger()

OnSettled = Callable[[frozenset[tuple[str, str]]], None]
OnEnded = Callable[[Outgoing, str, str], Awaitable[None]]


@dataclass(frozen=True)
class Settlement:
    """Settles the deliveries of one relay, and tells whoever waits for it.

    `pause` is how many seconds a store that can't be written is left alone.
    """

    relay: str
    store: Store
    clock: Clock
    schedule: RetrySchedule
    on_settled: OnSettled
    on_ended: OnEnded
    random: Callable[[], float]
    pause: float
    may_expire: Callable[[], bool] = always

    async def settle(
        self,
        outgoing: Outgoing,
        deliveries: Sequence[DueDelivery],
        receipts: Mapping[str, Receipt],
        took: timedelta,
    ) -> None:
        """Record what came of these, each by its recipient's receipt."""
        results = [
            self._result(each, outgoing.retry, receipts[each.recipient])
            for each in deliveries
        ]
        await self._record(results)
        for delivery, result in zip(deliveries, results, strict=True):
            self._tell(delivery, result, took)
            if result.next_attempt is None:
                receipt = result.receipt
                await self.on_ended(outgoing, str(receipt.state), receipt.reply)

    async def hold(self, deliveries: Sequence[DueDelivery], reason: str) -> None:
        """Leave these to a person; whom they are for is all that is known of them."""
        receipt = Receipt(DeliveryState.HELD, reply=reason)
        await self._record(
            [DeliveryResult(each.id, receipt, charged=False) for each in deliveries]
        )
        for each in deliveries:
            log.error(
                "delivery_held",
                relay=self.relay,
                outgoing=each.outgoing_id,
                recipient=each.recipient,
                reason=reason,
            )

    async def _record(self, results: Sequence[DeliveryResult]) -> None:
        self.on_settled(await recorded(lambda: self.store.settle(results), self.pause))

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
        again = self.schedule.next_attempt(
            delivery.attempts + 1,
            delivery.created,
            self.clock.now(),
            self.random,
            self.may_expire,
        )
        if again is None and not unknown:
            expired = f"expired; the last reply was: {receipt.reply}"
            receipt = replace(receipt, state=DeliveryState.FAILED, reply=expired)
        return DeliveryResult(delivery.id, receipt, again)

    def _tell(
        self, delivery: DueDelivery, result: DeliveryResult, took: timedelta
    ) -> None:
        receipt, again = result.receipt, result.next_attempt
        event = log.bind(
            relay=self.relay,
            outgoing=delivery.outgoing_id,
            recipient=delivery.recipient,
            state=str(receipt.state),
            code=receipt.code,
            ms=round(took / timedelta(milliseconds=1)),
        )
        if again is not None:
            again_at = again.isoformat()
            event.warning("delivery_delayed", reply=receipt.reply, again_at=again_at)
        elif receipt.state is DeliveryState.DELIVERED:
            event.info("delivery_settled")
        else:
            event.warning("delivery_settled", reply=receipt.reply)
