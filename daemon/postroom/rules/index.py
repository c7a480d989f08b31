"""Which rules can match a message at all, found before any of them is asked.

Invariant: a rule that is passed over would not have matched. What a condition looks for
in the header (its clue) is looked for at once for all rules, in one pass over the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postroom.errors import PluginError
from postroom.log import get_logger
from postroom.mail.message import Depth, Message
from postroom.rules.boundary import plugin_code
from postroom.rules.clues import Clue, Place
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import Rule
from postroom.rules.text import Text
from postroom.rules.textset import TextSet

log = get_logger()

# So few rules are all asked: then the trace of each message tells of every one.
_FEW = 30


@dataclass(frozen=True)
class _Search:
    """The patterns that are looked for in one place, and the rules they belong to."""

    place: Place
    texts: TextSet
    rules: Sequence[int]

    def found(self, message: Message) -> frozenset[int]:
        """The rules of which a pattern is there, or may be."""
        is_there = bool(self.place.fields) or message.depth == Depth.FULL
        values = self.place.values(message)
        matching = self.texts.matching(values) if is_there else None
        if matching is None:
            return frozenset(self.rules)
        return frozenset(self.rules[number] for number in matching)


class Index:
    """The rules in their order, and a way to those that can match a message."""

    def __init__(self, rules: Iterable[Rule], few: int = _FEW) -> None:
        self.rules = tuple(rules)
        searched = len(self.rules) > few
        clues = [_clues(rule.when) if searched else () for rule in self.rules]
        self._always = [not found for found in clues]
        self._searches = _gather_searches(clues)

    def possible(self, message: Message) -> list[Rule]:
        """The rules that may match it, in their order."""
        if not self._searches:
            return list(self.rules)
        found = frozenset().union(*(each.found(message) for each in self._searches))
        return [
            rule
            for number, rule in enumerate(self.rules)
            if self._always[number] or number in found
        ]


def _clues(logic: Logic) -> tuple[Clue, ...]:
    """Clues without one of which it can't hold; empty if there is nothing to go by."""
    match logic:
        case Named():
            clue = _ask_clue(logic)
            return (clue,) if clue else ()
        case All(parts):
            return max(map(_clues, parts), key=_narrowness, default=())
        case Either(parts):
            each = [_clues(part) for part in parts]
            return tuple(clue for found in each for clue in found) if all(each) else ()
        case Neither():
            return ()


def _ask_clue(named: Named) -> Clue | None:
    """The condition's clue; a plugin that fails at it has none."""
    doing = f"{named}: clue"
    try:
        with plugin_code(named.plugin, doing):
            clue = named.condition.clue()
            if not isinstance(clue, Clue | None):
                raise TypeError(f"{type(clue).__name__} is no Clue")
    except PluginError as error:
        log.warning("plugin_failed", error=str(error))
        return None
    return clue


def _narrowness(clues: Sequence[Clue]) -> tuple[bool, bool, int]:
    """How little these let through: what is in the header before what is in the body,
    and what is long before what is short."""
    in_header = all(clue.place.fields for clue in clues)
    texts = [str(text) for clue in clues for text in clue.texts]
    shortest = min((len(text.strip("'/*?")) for text in texts), default=0)
    return bool(clues), in_header, shortest


def _gather_searches(clues: Sequence[tuple[Clue, ...]]) -> list[_Search]:
    """One search a place, with the patterns of all rules."""
    wanted: dict[Place, list[tuple[Text, int]]] = {}
    for number, found in enumerate(clues):
        for clue in found:
            wanted.setdefault(clue.place, []).extend(
                (text, number) for text in clue.texts
            )
    return [
        _Search(
            place, TextSet([text for text, _ in pairs]), [rule for _, rule in pairs]
        )
        for place, pairs in wanted.items()
    ]
