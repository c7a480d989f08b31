"""Messages that may be what ends the connection each time they are fetched.

A batch whose fetching ended the connection is taken in smaller ones the next time. A
message that ends it three times by itself, over ten minutes, is no longer fetched: it
must not stop its mailbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from postroom.service.batches import BatchSizes

_MOST_ENDS = 3
# In seconds: a network that is down for a while must put no message aside.
_LEAST_SPAN = 600
# How much smaller: a connection may be lost for other reasons, so not one by one.
_SHRINK = 8


class Suspicion:
    """What is held against the messages of one mailbox; forgotten at a restart.

    `now` is in seconds that only ever go forward.
    """

    def __init__(self) -> None:
        self._limits: dict[int, int] = {}
        self._ends: Counter[int] = Counter()
        self._first_end: dict[int, float] = {}

    def note(self, uids: Sequence[int], now: float) -> None:
        """The connection was lost while these were handled."""
        if len(uids) == 1:
            self._ends[uids[0]] += 1
            self._first_end.setdefault(uids[0], now)
        limit = max(1, len(uids) // _SHRINK)
        self._limits.update(dict.fromkeys(uids, limit))

    def clear(self, uids: Iterable[int]) -> None:
        """These were handled."""
        for uid in uids:
            self._limits.pop(uid, None)
            self._ends.pop(uid, None)
            self._first_end.pop(uid, None)

    def is_unreadable(self, uids: Sequence[int], now: float) -> bool:
        """True of a message whose fetching ends the connection again and again."""
        if len(uids) != 1 or self._ends[uids[0]] < _MOST_ENDS:
            return False
        return now - self._first_end[uids[0]] >= _LEAST_SPAN

    def split(self, uids: Sequence[int], sizes: BatchSizes) -> Iterator[Sequence[int]]:
        """In batches and in order, suspects in smaller ones."""
        for limit, group in groupby(uids, self._limits.get):
            members = list(group)
            if limit is None:
                yield from sizes.split(members)
            else:
                yield from (
                    members[start : start + limit]
                    for start in range(0, len(members), limit)
                )
