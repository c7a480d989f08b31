"""The result of deciding: the effects for one message, and the trace of why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from postroom.rules.effects import Effect, tell


@dataclass(frozen=True)
class ConditionTrace:
    """One condition that was asked: what it is, its answer, the value it saw."""

    condition: str
    holds: bool
    seen: str = ""


@dataclass(frozen=True)
class RuleTrace:
    """One rule that was asked; `note` says what became of it when that needs saying."""

    rule: str
    matched: bool
    conditions: tuple[ConditionTrace, ...] = ()
    effects: tuple[str, ...] = ()
    note: str = ""

    def telling(self, effect: Effect, why: str) -> RuleTrace:
        """The same with `why` in the place of what was told of an effect."""
        told, end = tell(effect), f": {tell(effect)}"
        effects = (
            each.removesuffix(told) + why if each.endswith(end) else each
            for each in self.effects
        )
        return replace(self, effects=tuple(effects))


@dataclass(frozen=True)
class PlannedEffect:
    """An effect, the rule it comes from, and a key that makes it happen once.

    The key is made of the message's key and fingerprint, the rule's name, the effect's
    place in the rule, its kind and its target, never of the rule's text: an edited rule
    does not fire again on old mail.
    """

    key: str
    rule: str
    effect: Effect


@dataclass(frozen=True)
class Plan:
    """What is to be done with one message; without effects it stays where it is.

    `undone` is what the rules wanted and could not have. A message of which something
    is undone is never removed for good. `passed_over` counts the rules that were not
    asked, because none of the patterns they need is in the header.
    """

    effects: tuple[PlannedEffect, ...] = ()
    trace: tuple[RuleTrace, ...] = ()
    undone: tuple[str, ...] = ()
    passed_over: int = 0

    def replacing(self, old: Effect, new: Effect) -> Plan:
        """The same plan with another effect in the place of one."""
        effects = (
            replace(planned, effect=new) if planned.effect == old else planned
            for planned in self.effects
        )
        return replace(self, effects=tuple(effects))

    def without(self, effect: Effect) -> Plan:
        """The same plan without an effect."""
        kept = (planned for planned in self.effects if planned.effect != effect)
        return replace(self, effects=tuple(kept))

    def not_sending(self, planned: PlannedEffect, why: str) -> Plan:
        """The same plan without an effect, and `why` where the trace tells of it."""
        trace = (
            entry.telling(planned.effect, why) if entry.rule == planned.rule else entry
            for entry in self.trace
        )
        fewer = self.without(planned.effect)
        return replace(fewer, trace=tuple(trace), undone=(*self.undone, why))

    @property
    def matched(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order."""
        return tuple(entry.rule for entry in self.trace if entry.matched)
