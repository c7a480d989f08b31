"""Messages that may be what ends the connection each time they are fetched.

A batch whose fetching ended the connection is taken in smaller ones the next time. A
message that ends it three times by itself, over ten minutes, is no longer fetched: it
must not stop its mailbox. Nor must one that is refused for now, again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

from postroom.errors import Blameless, RefusedForNow, TemporaryError
from postroom.ports.stages import NOT_FETCHED
from postroom.service.batches import BatchSizes

_MOST_ENDS = 3
# In seconds: a network that is down for a while must put no message aside, and a server
# that refuses for now is longer away.
_LEAST_SPAN = 600
_LEAST_REFUSED = 3600
# How much smaller: a connection may be lost for other reasons, so not one by one.
_SHRINK = 8


@dataclass
class _Case:
    """What happened to one message by itself: how often, since when, and what last."""

    first: float
    ends: int = 0
    span: float = _LEAST_SPAN
    reason: str = ""


class Suspicion:
    """What is held against the messages of one mailbox; forgotten at a restart.

    `now` is in seconds that only ever go forward.
    """

    def __init__(self) -> None:
        self._limits: dict[int, int] = {}
        self._cases: dict[int, _Case] = {}

    @contextmanager
    def watching(self, uids: Sequence[int], now: float) -> Iterator[None]:
        """While these are fetched: what goes wrong meanwhile is noted."""
        try:
            yield
        except Blameless:
            raise  # no fault of theirs
        except TemporaryError as error:
            self.note(uids, now, error)
            raise

    def note(self, uids: Sequence[int], now: float, error: TemporaryError) -> None:
        """This went wrong while these were handled."""
        if len(uids) == 1:
            case = self._cases.setdefault(uids[0], _Case(now))
            case.ends += 1
            case.reason = str(error)
            if isinstance(error, RefusedForNow):
                case.span = _LEAST_REFUSED
        limit = max(1, len(uids) // _SHRINK)
        self._limits.update(dict.fromkeys(uids, limit))

    def clear(self, uids: Iterable[int]) -> None:
        """These were handled."""
        for uid in uids:
            self._limits.pop(uid, None)
            self._cases.pop(uid, None)

    def verdict(self, uids: Sequence[int], now: float) -> str:
        """Why a message can't be fetched, however often it is tried; empty if it may
        yet be."""
        case = self._cases.get(uids[0]) if len(uids) == 1 else None
        if case is None or case.ends < _MOST_ENDS or now - case.first < case.span:
            return ""
        return f"{NOT_FETCHED}: {case.reason}"

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
