"""The attempts that this process began, and whose ends are not recorded as yet.

Invariant: each is counted in the store, once, before the outside is asked for anything.
What can't be recorded, on a full disk, say, is not taken for the end of a process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field

from postroom.ports.stages import MOST_BEGINNINGS

# What the store does to these numbers, all in one statement.
Recording = Callable[[list[int]], Awaitable[None]]


@dataclass(frozen=True)
class Attempts:
    """Attempts at what has numbers, each counted once until its end is recorded."""

    _open: set[int] = field(default_factory=set)

    def unended(self, id: int, begun: int) -> int:
        """At how many of the attempts `begun` at this one a process ended before."""
        return begun - (id in self._open)

    def ended_processes(self, id: int, begun: int) -> bool:
        """True if so many processes ended at it that it is what ended them."""
        return self.unended(id, begun) >= MOST_BEGINNINGS

    async def begin(self, ids: Iterable[int], count: Recording) -> None:
        """Have an attempt at each of these counted, unless one is open."""
        if new := sorted(set(ids) - self._open):
            await count(new)
            self._open.update(new)

    def ended(self, ids: Iterable[int]) -> None:
        """Note that the ends of these are recorded."""
        self._open.difference_update(ids)

    async def take_back(self, ids: Collection[int], uncount: Recording) -> None:
        """Have no attempts at these count."""
        await uncount(sorted(ids))
        self.ended(ids)
