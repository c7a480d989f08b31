"""Which open effects are done together, in which order, and which not at all any more.

Invariant: what may have ended the process is tried alone before it is given up, so that
nothing is given up for what another did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from postroom.mail.message import MessageKey
from postroom.ports import EffectResult, EffectState, OpenEffect, Placement
from postroom.ports.stages import FATAL, MOST_BEGINNINGS
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags

# Flags first, while the message still has the name it is known by; then copies, then
# the one place.
_ORDER: tuple[type[Effect], ...] = (SetFlags, Copy, FileInto, Delete)
_LEAVING = (FileInto, Delete)

# One kill is no suspicion; what was begun so often and never ended is done alone.
_ALONE = MOST_BEGINNINGS - 1


@dataclass
class Round:
    """One round over a mailbox: what was left open in it is not tried again. The leave
    of `departing` messages was begun before; the `doubtful` may have been done then.
    What is `begun` is without a result as yet."""

    begun: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    staying: set[MessageKey] = field(default_factory=set)
    departing: set[MessageKey] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)

    def note(self, effects: Iterable[OpenEffect]) -> None:
        """Note whose leave was begun before."""
        leaving = (each for each in effects if isinstance(each.effect, _LEAVING))
        self.departing.update(each.message for each in leaving if each.attempted)

    def may(self, effect: OpenEffect) -> bool:
        """True if it was not tried; a message stays while another effect is open."""
        if isinstance(effect.effect, _LEAVING) and effect.message in self.staying:
            return False
        return effect.id not in self.left

    def leave(self, effects: Iterable[OpenEffect]) -> None:
        """Leave these open."""
        for each in effects:
            self.left.add(each.id)
            self.staying.add(each.message)


def group(effects: Iterable[OpenEffect]) -> Iterator[tuple[Effect, list[OpenEffect]]]:
    """Equal effects together, in the order in which they must be done; those that may
    have ended the process each alone, behind the others like it."""

    def place(effect: OpenEffect) -> tuple[int, str, int]:
        alone = effect.id if is_suspect(effect) else 0
        return _ORDER.index(type(effect.effect)), repr(effect.effect), alone

    for _, equal in groupby(sorted(effects, key=place), key=place):
        members = list(equal)
        yield members[0].effect, members


def is_suspect(effect: OpenEffect) -> bool:
    """True if it may be what ended the process, more than once."""
    return effect.begun >= _ALONE


def given_up(effects: Iterable[OpenEffect]) -> list[EffectResult]:
    """The end of those at which the process ended each time."""
    fatal = (each for each in effects if each.begun >= MOST_BEGINNINGS)
    return [_put_aside(each) for each in fatal]


def _put_aside(effect: OpenEffect) -> EffectResult:
    place = _where_it_may_be(effect.effect)
    return EffectResult(effect.id, EffectState.HELD, FATAL, place, effect.begun)


def _where_it_may_be(effect: Effect) -> Placement | None:
    """Where its message may be by now: the watcher there must go on knowing it."""
    match effect:
        case Copy(target) | FileInto(target):
            return Placement(target)
    return None
