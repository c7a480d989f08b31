"""What the receipts of a relay mean for the deliveries of a message.

Invariant: a result is recorded however long that takes. If it were forgotten, what was
delivered would be sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.mail.envelope import Outgoing, Retry
from postroom.ports import (
    Clock,
    DeliveryResult,
    DeliveryState,
    DueDelivery,
    Receipt,
    SentMail,
    Store,
)
from postroom.service.jumps import always
from postroom.service.recording import recorded
from postroom.service.retries import RetrySchedule

log = get_logger()

OnSettled = Callable[[frozenset[tuple[str, str]]], None]
OnEnded = Callable[[Outgoing, str, str], Awaitable[None]]
# Where a relay's server keeps what was submitted; None where that can't be looked into.
SentOf = Callable[[str], SentMail | None]


def nowhere(relay: str) -> SentMail | None:
    """Nothing that was submitted can be looked for."""
    return None


@dataclass(frozen=True)
class Settlement:
    """Settles the deliveries of one relay, and tells whoever waits for it.

    `pause` is how many seconds a store that can't be written is left alone. What is
    unknown is to be looked for where `sent` has a place for that, and `on_doubt` is
    told; with `looked` it has been, and its policy counts.
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
    sent: SentOf = nowhere
    on_doubt: Callable[[], None] = lambda: None
    looked: bool = False

    async def settle(
        self,
        outgoing: Outgoing,
        deliveries: Sequence[DueDelivery],
        receipts: Mapping[str, Receipt],
        took: timedelta,
        *,
        at_once: bool = False,
    ) -> None:
        """Record what came of these, each by its recipient's receipt; with `at_once`
        the server is not to blame, and needs no time before it is tried again."""
        results = [
            self._result(each, outgoing.retry, receipts[each.recipient], at_once)
            for each in deliveries
        ]
        await self._record(results)
        for delivery, result in zip(deliveries, results, strict=True):
            self._tell(delivery, result, took)
            if result.next_attempt is None and result.look is None:
                receipt = result.receipt
                await self.on_ended(outgoing, str(receipt.state), receipt.reply)
        if any(result.look for result in results):
            self.on_doubt()

    async def hold(
        self, deliveries: Sequence[DueDelivery], reason: str, *, charged: bool = False
    ) -> None:
        """Leave these to a person; whom they are for is all that is known of them. The
        last attempts at them count where they are `charged`."""
        receipt = Receipt(DeliveryState.HELD, reply=reason)
        await self._record(
            [DeliveryResult(each.id, receipt, charged=charged) for each in deliveries]
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
        write = self.store.resolve if self.looked else self.store.settle
        settled = await recorded(lambda: write(results), self.pause)
        reach(Point.W4)
        self.on_settled(settled)

    def _result(
        self, delivery: DueDelivery, retry: Retry, receipt: Receipt, at_once: bool
    ) -> DeliveryResult:
        """What a receipt means for a delivery: try again when, or no more."""
        charged = not self.looked  # a look is no attempt
        unknown = receipt.state is DeliveryState.UNKNOWN
        if unknown:
            receipt = replace(receipt, reply=f"outcome unknown: {receipt.reply}")
            if not self.looked and self.sent(self.relay) is not None:
                return DeliveryResult(delivery.id, receipt, look=self.clock.now())
        repeated = unknown and retry is Retry.AT_LEAST_ONCE
        if receipt.state is not DeliveryState.DELAYED and not repeated:
            return DeliveryResult(delivery.id, receipt, charged=charged)
        now, attempts = self.clock.now(), delivery.attempts + charged
        again = self.schedule.next_attempt(
            attempts, delivery.created, now, self.random, self.may_expire
        )
        if again and receipt.limit:
            again = now + self.schedule.limited
        again = now if again and at_once else again
        if again is None and not unknown:
            expired = f"expired; the last reply was: {receipt.reply}"
            receipt = replace(receipt, state=DeliveryState.FAILED, reply=expired)
        return DeliveryResult(delivery.id, receipt, again, charged)

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
