"""What came of a soak: what is wrong, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.servers.sink import RecordingSmtp
from tests.servers.troubled import Record
from tests.soak import verdict
from tests.soak.household import Household, Usage
from tests.soak.letters import RING, Held, Letter, expected, number_in

# Connections and files that come and go in ordinary work.
_SPARE_DESCRIPTORS = 6
_MOST_GROWTH = 40  # MiB
_MOST_SHORT_LOGINS = 12
_MOST_CONNECTIONS = 3


@dataclass(frozen=True)
class Shape:
    """How big a soak is. Times are in seconds: `lasts` is that of bad weather, during
    which the letters arrive, and `patience` is what the daemon has to finish."""

    seed: int
    accounts: int
    letters: int
    lasts: float
    between: tuple[float, float]
    hurry: float
    patience: float
    settles: float
    poll: int


@dataclass
class Findings:
    """What came of a soak."""

    shape: Shape
    household: Household
    sink: RecordingSmtp
    letters: Sequence[Letter]
    usage: dict[str, Usage] = field(default_factory=dict)
    finished: float | None = None
    exit_code: int | None = None
    handled_again: int = 0
    records: list[list[Record]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    faulty_events: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """All that is not as it must be."""
        return [
            *self._unfinished(),
            *differences(expected(self.letters), self.household.held()),
            *self._wrong_forwards(),
            *self._wrong_connections(),
            *self._wrong_usage(),
            *self.faulty_events[:5],
        ]

    def table(self) -> str:
        """What was measured, for people."""
        return "\n".join(f"  {name:<28} {value}" for name, value in self._rows())

    def handled(self) -> bool:
        """True once every letter is where it must be, and every forward is out."""
        forwards = sum(letter.kind.forwarded for letter in self.letters)
        if len(self.sink.received) < forwards:
            return False
        return self.household.held() == expected(self.letters)

    def _rows(self) -> Iterator[tuple[str, object]]:
        faults = Counter(
            fault.kind.value
            for records in self.records
            for record in records
            for _, fault in record.faults
        )
        yield "seed", self.shape.seed
        yield "letters delivered", len(self.letters)
        yield "watched mailboxes", len(self.household.users) * len(RING)
        yield "bad weather, s", self.shape.lasts
        yield "an hour of the daemon, s", verdict.HOUR / self.shape.hurry
        yield "faults", sum(faults.values())
        for kind, count in faults.most_common():
            yield f"  {kind}", count
        for place, records in enumerate(self.records):
            yield f"account {place}", self._row(records)
        for name, usage in self.usage.items():
            told = f"{usage.memory:.1f} MiB, {usage.descriptors} descriptors"
            yield f"in use {name}", told
        yield "forwards", len(self.sink.received)
        finished = self.finished
        yield "finished after, s", "never" if finished is None else round(finished, 1)
        for event, count in self.events.most_common():
            yield f"logged {event}", count

    def _row(self, records: Sequence[Record]) -> str:
        return (
            f"{len(records)} connections, {verdict.most_connections(records)} at a time"
            f", {verdict.count_logins(records)} logins, of which short in an hour "
            f"{verdict.most_short_logins(records, self.shape.hurry)}"
        )

    def _unfinished(self) -> Iterator[str]:
        if self.finished is None:
            yield f"not finished {self.shape.patience} s after the weather had cleared"
        if self.exit_code != 0:
            yield f"the daemon ended with {self.exit_code}"
        if self.handled_again:
            yield f"{self.handled_again} letters were handled again by the next run"

    def _wrong_forwards(self) -> Iterator[str]:
        sent = Counter(number_in(each.raw) for each in self.sink.received)
        wanted = Counter(each.number for each in self.letters if each.kind.forwarded)
        yield from (f"letter {n} was not forwarded" for n in wanted - sent)
        extra = sent - wanted
        if extra.total() > self.events["delivery_unknown"]:
            yield from (f"letter {n} was forwarded once more" for n in extra)

    def _wrong_connections(self) -> Iterator[str]:
        for place, records in enumerate(self.records):
            name = f"account {place}"
            yield from (
                f"{name}: {said}" for said in verdict.doubled_listeners(records)
            )
            most = verdict.most_connections(records)
            if most > _MOST_CONNECTIONS:
                yield f"{name}: {most} connections at a time"
            short = verdict.most_short_logins(records, self.shape.hurry)
            if short > _MOST_SHORT_LOGINS:
                yield f"{name}: {short} logins in an hour that did not last a minute"

    def _wrong_usage(self) -> Iterator[str]:
        first, last = self.usage["at first"], self.usage["at last"]
        if last.memory > first.memory + _MOST_GROWTH:
            yield f"memory grew from {first.memory:.0f} to {last.memory:.0f} MiB"
        if last.descriptors > first.descriptors + _SPARE_DESCRIPTORS:
            yield f"descriptors grew from {first.descriptors} to {last.descriptors}"


def differences(wanted: dict[int, Held], found: dict[int, Held]) -> Iterator[str]:
    """Each message that is not where it must be, or is where it must not."""
    for place, held in wanted.items():
        for gone in held - found[place]:
            yield f"account {place}: missing: {_told(gone)}"
        for extra in found[place] - held:
            yield f"account {place}: too much: {_told(extra)}"


def _told(entry: tuple[str, int, frozenset[str]]) -> str:
    mailbox, number, flags = entry
    return f"letter {number} in {mailbox}, flags {sorted(flags)}"
