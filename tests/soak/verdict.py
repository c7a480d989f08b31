"""What the records of a proxy prove: who listened, how often, and how long."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from tests.servers.troubled import Record

# A proxy hears of an end a little after it came.
SLACK = 0.5
LASTED = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class Span:
    """From when to when something lasted; one that lasts still ends at infinity."""

    name: str
    begin: float
    end: float

    def overlaps(self, other: Span) -> bool:
        """True if both were there at a time, for longer than a proxy may be late."""
        return min(self.end, other.end) - max(self.begin, other.begin) > SLACK


def doubled_listeners(records: Sequence[Record]) -> list[str]:
    """Each time when two connections had the same mailbox selected."""
    listeners = [span for record in records for span in listenings(record)]
    return [
        f"two listeners on {one.name} for {_common(one, two):.1f} s"
        for one, two in combinations(listeners, 2)
        if one.name == two.name and one.overlaps(two)
    ]


def listenings(record: Record) -> Iterator[Span]:
    """When a connection had which mailbox selected; to examine one is no listening."""
    name, begin = "", 0.0
    for at, command in record.timed_commands():
        verb, _, rest = command.partition(" ")
        if verb not in ("SELECT", "EXAMINE", "CLOSE", "UNSELECT", "LOGOUT"):
            continue
        if name:
            yield Span(name, begin, at)
        name, begin = (rest.strip('"') if verb == "SELECT" else ""), at
    if name:
        yield Span(name, begin, _end(record))


def most_connections(records: Sequence[Record]) -> int:
    """How many connections there were at most at a time."""
    spans = [Span("", each.opened, _end(each) - SLACK) for each in records]
    return max(
        sum(other.begin <= span.begin < other.end for other in spans) for span in spans
    )


def most_short_logins(records: Sequence[Record], hurry: float) -> int:
    """The most LOGINs within an hour whose connections did not last a minute, by the
    clock of a daemon in such a hurry."""
    short = sorted(
        at
        for record in records
        for at, command in record.timed_commands()
        if command.startswith("LOGIN ") and (_end(record) - at) * hurry < LASTED
    )
    return max(
        (sum(0 <= at - begin < HOUR / hurry for at in short) for begin in short),
        default=0,
    )


def count_logins(records: Sequence[Record]) -> int:
    """How many LOGINs there were."""
    return sum(
        command.startswith("LOGIN ")
        for record in records
        for command in record.commands()
    )


def _common(one: Span, two: Span) -> float:
    return min(one.end, two.end) - max(one.begin, two.begin)


def _end(record: Record) -> float:
    return math.inf if record.closed is None else record.closed
