"""The part of the store that its owner's commands work with: each method one
transaction.

Invariant: what the owner has done is synced to disk when it is said to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from postroom.ports import DeliveryState
from postroom.store import deliveries, quarantine
from postroom.store.report import (
    DeliveryDetail,
    DeliveryReport,
    QuarantinedReport,
    Refusal,
)
from postroom.store.transactions import Transactions


class OwnerStore(Transactions):
    """The outbox and the quarantine, for their owner to look at and to change."""

    # -- the outbox

    async def list_deliveries(
        self, states: Collection[DeliveryState] | None = None, limit: int = 100
    ) -> list[DeliveryReport]:
        """The latest deliveries, of these states if any are given, newest first."""
        return await self._reader.read(
            lambda connection: deliveries.reports(connection, states, limit)
        )

    async def show_delivery(self, id: int) -> DeliveryDetail:
        """All about one delivery; `PermanentError` if there is none of this number."""
        return await self._reader.read(
            lambda connection: deliveries.detail(connection, id)
        )

    async def retry_deliveries(self, ids: Sequence[int]) -> list[Refusal]:
        """Have those that failed, are held, unknown, bounced or delayed tried now; why
        not the others."""
        return await self._fulfil(deliveries.retry(self._clock.now()), ids)

    async def hold_deliveries(self, ids: Sequence[int], reason: str) -> list[Refusal]:
        """Have those that are queued or delayed wait for their owner; why not the
        others."""
        return await self._fulfil(deliveries.hold(reason), ids)

    async def drop_deliveries(self, ids: Sequence[int]) -> list[Refusal]:
        """Withdraw those not delivered and not being sent; why not the others."""
        return await self._fulfil(deliveries.drop(), ids)

    async def _fulfil(self, wish: deliveries.Wish, ids: Sequence[int]) -> list[Refusal]:
        now = self._clock.now()
        return await self._write(
            lambda connection: deliveries.fulfil(connection, wish, ids, now),
            durable=True,
        )

    # -- the quarantine

    async def quarantined(self, limit: int = 100) -> list[QuarantinedReport]:
        """The messages in quarantine, latest first."""
        return await self._reader.read(
            lambda connection: quarantine.reports(connection, limit)
        )

    async def show_quarantined(self, id: int) -> QuarantinedReport:
        """One message in quarantine; `PermanentError` if it is not there."""
        return await self._reader.read(
            lambda connection: quarantine.report(connection, id)
        )

    async def release_quarantined(self, ids: Sequence[int]) -> list[tuple[str, str]]:
        """Have these go on; the (account, mailbox) pairs where they are.

        Raises `PermanentError` if one is not in quarantine; then none is released.
        """
        now = self._clock.now()
        return await self._write(
            lambda connection: quarantine.release(connection, ids, now), durable=True
        )
