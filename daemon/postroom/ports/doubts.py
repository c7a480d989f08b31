"""What the core asks of a store about deliveries that are *unknown*.

Invariant: nothing of a message whose delivery is looked for goes on before it is found,
or not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from postroom.ports.relays import DeliveryResult, Doubt


class Doubts(Protocol):
    """Remembers what is to be looked for, and what came of that."""

    async def doubts(self, now: datetime) -> list[Doubt]:
        """The deliveries that are to be looked for now, oldest first."""

    async def next_look(self) -> datetime | None:
        """When the next delivery is to be looked for; None if none is."""

    async def look_again(self, ids: Collection[int], when: datetime) -> None:
        """Have these that are to be looked for looked for then."""

    async def resolve(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Settle those of these that are still to be looked for."""

    async def witness(self, relay: str, before: datetime) -> str | None:
        """The Message-ID of the last message that this relay said, before then, to have
        taken; None if there is none."""
