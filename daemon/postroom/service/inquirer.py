"""Looking for what is *unknown* where its server keeps what was submitted.

Invariant: a copy that is found proves that the server took the message. That none is
found proves nothing, whatever is known of the server: it only has the policy count.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from postroom.errors import ContentError, PermanentError, TemporaryError
from postroom.log import get_logger
from postroom.ports import (
    Clock,
    DeliveryState,
    Doubt,
    Placement,
    Receipt,
    Store,
)
from postroom.service.health import SenderTimings
from postroom.service.receipts import SentOf, Settlement

log = get_logger()

_NONE_TO_ASK = "there is no Sent mailbox that could tell"
_NOT_PROVABLE = "a copy in Sent would not tell whether it was for this recipient"


class Inquirer:
    """Looks for the deliveries that are in doubt, a few times, and settles them.

    `settlement` makes what settles those of a relay; `on_settled` is called when
    something may be sent again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sent: SentOf,
        settlement: Callable[[str], Settlement],
        on_settled: Callable[[], None],
        timings: SenderTimings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sent = sent
        self._settlement = settlement
        self._on_settled = on_settled
        self._timings = timings
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Say that there may be something new to look for."""
        self._bell.set()

    async def run(self) -> NoReturn:
        """Look for whatever falls due, until cancelled."""
        while True:
            self._bell.clear()
            try:
                await self.look()
                seconds = await self._until_next_look()
            except TemporaryError as error:  # the store's: its disk is full, say
                log.warning("store_unavailable", error=str(error))
                seconds = self._timings.store_pause
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._bell.wait()

    async def look(self) -> bool:
        """Look once for all that are due, each relay's apart from the others'; True if
        any of them was."""
        groups: defaultdict[str, list[Doubt]] = defaultdict(list)
        for doubt in await self._store.doubts(self._clock.now()):
            groups[doubt.delivery.relay].append(doubt)
        async with asyncio.TaskGroup() as tasks:
            asked = [
                tasks.create_task(self._inquire(relay, doubts), name=f"look {relay}")
                for relay, doubts in groups.items()
            ]
        for failure in filter(None, (task.result() for task in asked)):
            raise failure
        return bool(groups)

    async def _until_next_look(self) -> float:
        longest = self._timings.longest_rest
        moment = await self._store.next_look()
        if moment is None:
            return longest
        return min((moment - self._clock.now()).total_seconds(), longest)

    async def _inquire(
        self, relay: str, doubts: Sequence[Doubt]
    ) -> TemporaryError | None:
        """Look for the deliveries of one relay; what the store failed with, if it
        did."""
        try:
            before = self._clock.now() - timedelta(seconds=max(self._timings.looks))
            known = await self._store.witness(relay, before)
            try:
                found = await self._find(relay, doubts, known)
            except PermanentError as error:
                await self._go_by_policy(relay, doubts, f"Sent can't be asked: {error}")
            except TemporaryError as error:
                await self._put_off(relay, doubts, f"Sent could not be asked: {error}")
            else:
                await self._conclude(relay, doubts, known, found)
        except TemporaryError as error:
            return error
        return None

    async def _find(
        self, relay: str, doubts: Iterable[Doubt], known: str | None
    ) -> Mapping[str, Placement] | None:
        sent = self._sent(relay)
        wanted = {doubt.message_id for doubt in doubts} | ({known} if known else set())
        return await sent.find_sent(wanted) if sent else None

    async def _conclude(
        self,
        relay: str,
        doubts: Sequence[Doubt],
        known: str | None,
        found: Mapping[str, Placement] | None,
    ) -> None:
        """What it means where these were found; `known` was taken for certain."""
        if found is None:
            await self._go_by_policy(relay, doubts, _NONE_TO_ASK)
            return
        await self._settle(relay, _proved(doubts, found))
        hopeless = [each for each in doubts if not each.provable]
        await self._go_by_policy(relay, hopeless, _NOT_PROVABLE)
        rest = [e for e in doubts if e.provable and e.message_id not in found]
        if known and known not in found:
            told = "it is not in Sent, which does not keep what is submitted"
            await self._go_by_policy(relay, rest, told)
        else:
            await self._wait(relay, rest)

    async def _wait(self, relay: str, doubts: Iterable[Doubt]) -> None:
        """Have each looked for again, until its last look was in vain."""
        over: list[Doubt] = []
        for doubt in doubts:
            now, looks = self._clock.now(), self._timings.looks
            ahead = [doubt.since + timedelta(seconds=each) for each in looks]
            if later := [moment for moment in ahead if moment > now]:
                await self._store.look_again([doubt.delivery.id], later[0])
            else:
                over.append(doubt)
        await self._go_by_policy(relay, over, "it is not in Sent")

    async def _put_off(self, relay: str, doubts: Sequence[Doubt], reason: str) -> None:
        """Ask again soon, unless nobody could be asked for long enough."""
        now = self._clock.now()
        longest = timedelta(seconds=self._timings.unasked_longest)
        late = [each for each in doubts if now - each.since > longest]
        soon = [each.delivery.id for each in doubts if now - each.since <= longest]
        again = now + timedelta(seconds=self._timings.unasked_pause)
        log.warning("sent_not_asked", relay=relay, count=len(doubts), reason=reason)
        await self._store.look_again(soon, again)
        await self._go_by_policy(relay, late, reason)

    async def _go_by_policy(
        self, relay: str, doubts: Iterable[Doubt], reason: str
    ) -> None:
        receipt = Receipt(DeliveryState.UNKNOWN, reply=reason)
        await self._settle(relay, [(doubt, receipt) for doubt in doubts])

    async def _settle(self, relay: str, told: Iterable[tuple[Doubt, Receipt]]) -> None:
        settlement = self._settlement(relay)
        for doubt, receipt in told:
            delivery = doubt.delivery
            try:
                outgoing = await self._store.outgoing(delivery.outgoing_id)
            except ContentError as error:
                await settlement.hold([delivery], str(error))
                continue
            what = (outgoing, [delivery], {delivery.recipient: receipt}, timedelta(0))
            await settlement.settle(*what, at_once=doubt.interrupted)
            self._on_settled()


def _proved(
    doubts: Iterable[Doubt], found: Mapping[str, Placement]
) -> list[tuple[Doubt, Receipt]]:
    """Those whose copy was found, and where."""
    return [
        (doubt, _evidence(found[doubt.message_id]))
        for doubt in doubts
        if doubt.provable and doubt.message_id in found
    ]


def _evidence(place: Placement) -> Receipt:
    where = f"UID {place.uid}, UIDVALIDITY {place.uidvalidity}"
    return Receipt(DeliveryState.DELIVERED, reply=f"found in {place.mailbox} ({where})")
