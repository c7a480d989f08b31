"""What a run that ends by itself could not handle, one line each.

Invariant: what is told came to pass in this run; what an earlier one left is `status`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from postroom.ports import PAUSED, HoldKind
from postroom.store.report import Delayed, Summary, Trouble
from postroom.store.store import SqlStore

# More of a kind are not told one by one.
_MOST = 100


async def leftovers(store: SqlStore, since: datetime) -> list[str]:
    """What failed, is held, delayed or undecided since then, and which rules mail waits
    for that their owner has not paused."""
    summary = await store.summary(_MOST)
    found: list[Trouble | Delayed] = [*summary.troubles, *summary.delayed]
    told = [str(each) for each in found if each.updated >= since]
    return [*told, *_waiting(summary)]


def _waiting(summary: Summary) -> Iterator[str]:
    for hold in summary.holds:
        count = summary.waiting.get(hold.name, 0)
        if hold.kind is HoldKind.RULE and hold.reason != PAUSED and count:
            waits = "1 message waits" if count == 1 else f"{count} messages wait"
            yield f"rule {hold.name!r} is held: {hold.reason}; {waits} for it"
