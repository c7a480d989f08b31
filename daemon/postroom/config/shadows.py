"""Rules that no message comes to: one before them takes whatever could fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from postroom.config.settings import Settings
from postroom.errors import Problem
from postroom.rules.logic import All, Logic
from postroom.rules.rule import Rule


def find_shadowed(rules: Collection[Rule], settings: Settings) -> Iterator[Problem]:
    """A warning for each rule that is never asked about a message that fits it."""
    before = _Before(settings)
    for rule in rules:
        if not rule.enabled or rule.on or rule.lacks:
            continue
        earlier = before.find_covering(rule)
        if earlier is not None:
            message = (
                f"it can never match: rule {earlier.name!r} before it takes every "
                "message that would fit, and ends the run"
            )
            yield Problem(rule.file, message, rule.name)
        elif _ends_run(rule):
            before.add(rule)


@dataclass
class _Before:
    """The rules so far that end the run, to be found by what one condition of theirs
    looks like."""

    settings: Settings
    found: dict[str | None, list[Rule]] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        """Take one more."""
        looks = min(map(repr, conjuncts(rule.when)), default=None)
        self.found.setdefault(looks, []).append(rule)

    def find_covering(self, rule: Rule) -> Rule | None:
        """One that takes whatever the rule could."""
        given = conjuncts(rule.when)
        for looks in (None, *map(repr, given)):
            for earlier in self.found.get(looks, ()):
                needed = conjuncts(earlier.when)
                # What looks the same may differ in what is not shown: a secret.
                covers = all(part in given for part in needed)
                if covers and self._reaches(earlier, rule):
                    return earlier
        return None

    def _reaches(self, earlier: Rule, rule: Rule) -> bool:
        """True if the earlier one is asked wherever this one is."""
        return all(
            earlier.concerns(account, mailbox)
            for account, table in self.settings.account.items()
            for mailbox in table.watch
            if rule.concerns(account, mailbox)
        )


def _ends_run(rule: Rule) -> bool:
    actions = [named.action for named in rule.then]
    if any(action.ends_run for action in actions):
        return True
    return any(a.places for a in actions) if rule.stop is None else rule.stop


def conjuncts(logic: Logic) -> list[Logic]:
    """The parts that must all hold for the whole to."""
    if isinstance(logic, All):
        return [each for part in logic.parts for each in conjuncts(part)]
    return [logic]
