"""The part of the store that a sender works with: each method one transaction.

Invariant: what `mark_sending`, `settle` and `resolve` recorded is synced to disk when
they return.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from postroom.mail.envelope import Outgoing
from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    Doubt,
    DueDelivery,
    RelayReport,
)
from postroom.store import cursors, doubts, outbox, settling
from postroom.store.transactions import Transactions


class SendingStore(Transactions):
    """What is remembered of mail that leaves, and of the relays that take it."""

    async def report_relay(self, report: RelayReport) -> None:
        """Note how a relay is doing; the last report of each is kept."""
        await self._write(lambda connection: cursors.report_relay(connection, report))

    async def recover(
        self, now: datetime, relay: str | None = None, sought: Collection[str] = ()
    ) -> int:
        """After a restart, or once nobody sends to this relay any more: settle what was
        past the final dot; how many that were. Those of relays in `sought` are to be
        looked for."""
        return await self._write(
            lambda connection: settling.recover(connection, now, relay, sought),
            durable=True,
        )

    async def due(
        self, now: datetime, limit: int, relay: str | None = None
    ) -> list[DueDelivery]:
        """Deliveries (of this relay) whose time has come, oldest first, grouped."""
        return await self._reader.read(
            lambda connection: outbox.due(connection, now, limit, relay)
        )

    async def next_due(self, relay: str | None = None) -> datetime | None:
        """When the next delivery (of this relay) is due; None if none waits."""
        now = self._clock.now()
        return await self._reader.read(
            lambda connection: outbox.next_due(connection, now, relay)
        )

    async def waiting_relays(self) -> dict[str, int]:
        """How many deliveries wait for each relay, by its name."""
        return await self._reader.read(outbox.waiting_relays)

    async def outbox(self) -> dict[DeliveryState, int]:
        """How many deliveries are on their way out, or held, by their state."""
        return await self._reader.read(outbox.count_unended)

    async def outgoing(self, outgoing_id: int) -> Outgoing:
        """The envelope and the exact bytes; `ContentError` if they are damaged."""
        return await self._reader.read(
            lambda connection: outbox.read_outgoing(connection, outgoing_id)
        )

    async def begin_sending(self, ids: Sequence[int]) -> None:
        """Count one more attempt at these, before their relay is asked for anything;
        `Withdrawn` if the owner took one of them away: then none is counted."""
        await self._write(lambda connection: outbox.begin_sending(connection, ids))

    async def take_back_sending(self, ids: Sequence[int]) -> None:
        """Have the last attempts at these not count; those past the final dot do."""
        await self._write(lambda connection: outbox.take_back_sending(connection, ids))

    async def mark_sending(self, ids: Sequence[int]) -> None:
        """Record that the final dot is about to be sent; `Withdrawn` if the owner took
        one of them away meanwhile: then none is recorded."""
        now = self._clock.now()
        await self._write(
            lambda connection: outbox.mark_sending(connection, ids, now), durable=True
        )

    async def settle(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the mailboxes whose held-back expunges may now go on."""
        now = self._clock.now()
        return await self._write(
            lambda connection: settling.settle(connection, results, now), durable=True
        )

    # -- what is unknown, and looked for

    async def doubts(self, now: datetime) -> list[Doubt]:
        """The deliveries that are to be looked for now, oldest first."""
        return await self._reader.read(lambda connection: doubts.due(connection, now))

    async def next_look(self) -> datetime | None:
        """When the next delivery is to be looked for; None if none is."""
        return await self._reader.read(doubts.next_look)

    async def look_again(self, ids: Collection[int], when: datetime) -> None:
        """Have these that are to be looked for looked for then."""
        await self._write(lambda connection: doubts.look_again(connection, ids, when))

    async def resolve(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Settle those of these that are still to be looked for; the mailboxes whose
        held-back expunges may now go on."""
        now = self._clock.now()
        return await self._write(
            lambda connection: doubts.resolve(connection, results, now), durable=True
        )

    async def witness(self, relay: str, before: datetime) -> str | None:
        """The Message-ID of the last message that this relay said, before then, to have
        taken; None if there is none."""
        return await self._reader.read(
            lambda connection: doubts.witness(connection, relay, before)
        )
