"""Which point concerns what is done to mail, and so where the program is killed.

A story is a place, kinds of letters, and a point for each run until the kills end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postroom.failpoints import Point
from tests.crash.bench import (
    OVER_IMAP,
    OVER_IMAP_BY_STEPS,
    OVER_POP3,
    OVER_POP3_KEPT,
    Place,
)
from tests.crash.letters import KINDS

ALL = frozenset(KINDS)
SENT = frozenset({"forward", "part", "reply", "settle", "hand on"})
SAVED = frozenset({"save"})
MOVED = frozenset({"move", "archive", "settle", "delete"})
COPIED = frozenset({"copy", "settle"})
FLAGGED = frozenset({"flag", "settle"})
EXPUNGED = frozenset({"burn", "hand on"})
FILED = MOVED | COPIED | FLAGGED | EXPUNGED

_ALWAYS = {point: ALL for point in (Point.R1, Point.C1, Point.C5, Point.C6, Point.C7)}
_SENDING = {
    point: SENT for point in (Point.C9, Point.W1, Point.C10, Point.C11, Point.W4)
}
_DOING = {
    Point.C8: FILED | SAVED,
    Point.C12: frozenset({"part"}),
    Point.C13: SAVED,
    Point.C19: FILED | SAVED,
    Point.C20: FILED,
}
_ANYWHERE = _ALWAYS | _SENDING | _DOING

# Before it is decided what is done, no kind of effect differs from another: one run has
# letters of all kinds.
_UNDECIDED = (Point.R1, Point.C1, Point.C5, Point.P1, Point.P3)

# What is done to a message in a Maildir asks no server, and a maildrop is asked by the
# commands of POP3.
REACHED = {
    OVER_IMAP: _ANYWHERE
    | {
        Point.C2: frozenset({"forward"}),  # only that letter does not come at once
        Point.C16: EXPUNGED,
        Point.C17: MOVED,
        Point.C18: FLAGGED | EXPUNGED,
        Point.W2: COPIED,
        Point.W3: EXPUNGED,
    },
    OVER_IMAP_BY_STEPS: {
        Point.C15: MOVED,
        Point.C16: MOVED,
        Point.C18: MOVED,
        Point.W2: MOVED,
        Point.W3: MOVED,
    },
    OVER_POP3: _ANYWHERE
    | {
        Point.P1: ALL,
        Point.P2: frozenset({"forward"}),
        Point.P3: ALL,
        Point.P6: ALL,
        Point.P7: ALL - {"part"},
        Point.P8: ALL,
    },
    # The same up to the removal, which is never asked for.
    OVER_POP3_KEPT: {
        Point.C7: ALL,
        Point.C19: FILED | SAVED,
        Point.P1: ALL,
        Point.P3: ALL,
        Point.P8: ALL,
    },
}


@dataclass(frozen=True)
class Story:
    """Where the program is killed, in one run after the other."""

    place: Place
    kinds: tuple[str, ...]
    points: tuple[Point, ...]

    def __str__(self) -> str:
        points = ", ".join(point.name for point in self.points)
        return f"{self.place.name}: {', '.join(self.kinds)}: {points}"


def every_story() -> list[Story]:
    """Each point with two letters of each kind that it concerns; each point twice in a
    row, and once more while that is recovered, with all of these kinds together."""
    return [*_single(), *_repeated()]


def _single() -> Iterator[Story]:
    for place, reached in REACHED.items():
        for point, kinds in reached.items():
            each = sorted(kinds)
            apart = (
                [tuple(each)] if point in _UNDECIDED else [(one, one) for one in each]
            )
            yield from (Story(place, together, (point,)) for together in apart)


def _repeated() -> Iterator[Story]:
    for place, reached in REACHED.items():
        for point, kinds in reached.items():
            for again in (point, Point.R1):
                yield Story(place, tuple(sorted(kinds)), (point, again))
