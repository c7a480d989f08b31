"""What kills have cost: what is there is compared with what must be, and counted.

One repeat a kill may come of the seconds between the final dot and the record of its
reply: there nobody can know whether the message was taken. Nothing else may be lost, or
be there twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

# (mailbox or folder, number, flags)
Places = Counter[tuple[str, int, frozenset[str]]]

STEADY_WITHIN = 10.0  # seconds, at the 99th percentile


@dataclass(frozen=True)
class Ledger:
    """What there is: in the mailboxes, in the folder of what was saved, and the octets
    that a server took, by the number of the letter that they are about."""

    places: Places = field(default_factory=Counter)
    saved: Counter[int] = field(default_factory=Counter)
    forwards: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    replies: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What there must be: each forward and each reply once."""

    places: Places
    saved: Counter[int] = field(default_factory=Counter)
    forwards: frozenset[int] = frozenset()
    replies: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """What came of `kills`: each thing that was lost or done too often, in words.

    `in_window` are repeats of what was unknown, and `unsent` the replies that were not
    sent again because of that. `altered` are repeats with other octets than the first.
    """

    kills: int = 0
    lost: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    in_window: int = 0
    unsent: int = 0
    replies_repeated: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    recoveries: tuple[float, ...] = ()

    def __add__(self, other: Verdict) -> Verdict:
        pairs = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
        }
        return Verdict(**pairs)

    @property
    def wrong(self) -> tuple[str, ...]:
        """All that may not be."""
        found = (
            *(f"lost: {each}" for each in self.lost),
            *(f"repeated: {each}" for each in self.repeated),
            *(f"replied twice: {each}" for each in self.replies_repeated),
            *(f"altered: {each}" for each in self.altered),
            *self.failures,
        )
        if self.recovery > STEADY_WITHIN:
            found += (f"recovering took {self.recovery:.1f} s",)
        if self.in_window + self.unsent > self.kills:
            found += (f"{self.in_window} repeats by {self.kills} kills",)
        return found

    @property
    def recovery(self) -> float:
        """The seconds that recovering took, at the 99th percentile."""
        ordered = sorted(self.recoveries)
        return ordered[len(ordered) * 99 // 100] if ordered else 0.0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {len(self.lost)} lost, {len(self.repeated)} repeated "
            f"outside the window of the final dot, {self.in_window} inside it, "
            f"{len(self.replies_repeated)} replies repeated ({self.unsent} not sent "
            f"again), recovered within {self.recovery:.1f} s"
        )


def judge(
    wanted: Wanted,
    found: Ledger,
    *,
    kills: int,
    unknown: int = 0,
    failures: Iterable[str] = (),
    recovery: float | None = None,
) -> Verdict:
    """What came of these kills, after which so many deliveries were `unknown`."""
    missing = [*_missing(wanted, found)]
    unsent = wanted.replies - found.replies.keys()
    if len(unsent) > unknown:
        missing += [f"the reply to {n}" for n in unsent]
    twice = [f"the forward of {n}" for n in _twice(found.forwards)]
    in_window = sum(len(raws) - 1 for raws in found.forwards.values() if raws)
    excess = [f"{n} in {place}" for place, n, _ in found.places - wanted.places]
    excess += [f"{n} saved" for n in found.saved - wanted.saved]
    excess += [
        f"forwarded though it was not to be: {n}"
        for n in found.forwards.keys() - wanted.forwards
    ]
    if in_window + len(unsent) > unknown:
        excess, in_window = excess + twice, 0
    return Verdict(
        kills=kills,
        lost=tuple(missing),
        repeated=tuple(excess),
        in_window=in_window,
        unsent=min(len(unsent), unknown),
        replies_repeated=tuple(str(n) for n in _wrongly_replied(wanted, found)),
        altered=tuple(
            f"the forward of {n}"
            for n, raws in found.forwards.items()
            if len({*raws}) > 1
        ),
        failures=tuple(failures),
        recoveries=() if recovery is None else (recovery,),
    )


def _missing(wanted: Wanted, found: Ledger) -> Iterable[str]:
    yield from (f"{n} in {place}" for place, n, _ in wanted.places - found.places)
    yield from (f"{n} saved" for n in wanted.saved - found.saved)
    forwards = wanted.forwards - found.forwards.keys()
    yield from (f"the forward of {n}" for n in forwards)


def _twice(sent: Mapping[int, tuple[bytes, ...]]) -> list[int]:
    return [number for number, raws in sent.items() if len(raws) > 1]


def _wrongly_replied(wanted: Wanted, found: Ledger) -> list[int]:
    unwanted = found.replies.keys() - wanted.replies
    return sorted({*_twice(found.replies), *unwanted})
