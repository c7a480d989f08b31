"""The rules as they are now: every account decides by them, a reload changes them.

Invariant: a batch is decided and committed under one edition, however often the rules
are changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postroom.rules.index import Index
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import Rule


@dataclass(frozen=True)
class Edition:
    """Rules that belong together: their index, and the run under which they decide."""

    run: int
    index: Index

    @classmethod
    def of(cls, run: int, rules: Iterable[Rule]) -> Edition:
        """The edition of these rules, as far as they are enabled."""
        return cls(run, Index(rule for rule in rules if rule.enabled))

    @property
    def names(self) -> frozenset[str]:
        """The names of its rules."""
        return frozenset(rule.name for rule in self.index.rules)

    def gathering(self, account: str, mailbox: str, depth: str) -> list[Named]:
        """The conditions of this depth that need something from outside, of the rules
        for messages that arrive there."""
        return [
            named
            for rule in self.index.rules
            if rule.concerns(account, mailbox)
            for named in _conditions(rule.when)
            if named.condition.gathers() and named.condition.depth == depth
        ]


@dataclass
class Rulebook:
    """Holds the edition that counts now."""

    edition: Edition


def _conditions(logic: Logic) -> Iterator[Named]:
    match logic:
        case Named():
            yield logic
        case All(parts) | Either(parts) | Neither(parts):
            for part in parts:
                yield from _conditions(part)
