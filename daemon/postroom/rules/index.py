"""Which rules can match a message at all, found before any of them is asked.

Invariant: a rule that is passed over would not have matched. What a condition looks for
in the header (its clue) is looked for at once for all rules, in one pass over the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postroom.mail.message import Message
from postroom.rules.boundary import plugin_code
from postroom.rules.clues import Clue, Place
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import Rule
from postroom.rules.text import Text
from postroom.rules.textset import TextSet

# So few rules are all asked: then the trace of each message tells of every one.
_FEW = 30


@dataclass(frozen=True)
class _Search:
    """The patterns that are looked for in one place, and the rules they belong to."""

    place: Place
    texts: TextSet
    rules: Sequence[int]

    def found(self, message: Message) -> frozenset[int]:
        """The rules of which a pattern is there."""
        matching = self.texts.matching(self.place.values(message.header))
        if matching is None:
            return frozenset(self.rules)
        return frozenset(self.rules[number] for number in matching)


class Index:
    """The rules in their order, and a way to those that can match a message."""

    def __init__(self, rules: Iterable[Rule], few: int = _FEW) -> None:
        """Raises `PluginError` if a condition fails to tell its clue."""
        self.rules = tuple(rules)
        clues = [_clues(rule.when) for rule in self.rules]
        searched = len(self.rules) > few
        self._always = [not (searched and found) for found in clues]
        self._searches = _gather_searches(clues) if searched else []

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
        case Named(condition=condition, plugin=plugin):
            with plugin_code(plugin, f"{logic}: clue"):
                clue = condition.clue()
            return (clue,) if clue else ()
        case All(parts):
            return next((found for part in parts if (found := _clues(part))), ())
        case Either(parts):
            each = [_clues(part) for part in parts]
            return tuple(clue for found in each for clue in found) if all(each) else ()
        case Neither():
            return ()


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
