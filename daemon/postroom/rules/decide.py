"""Decide what to do with a message; do none of it.

No I/O, no clock and no chance: the same rules, message and circumstances give the
same plan, which is why a dry run is a plan that is printed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.errors import PostroomError
from postroom.mail.compose import Owner, compose_forward
from postroom.mail.loops import why_not_forward
from postroom.mail.message import Depth, Message
from postroom.rules.boundary import plugin_code
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
)
from postroom.rules.intents import Forward, Intent
from postroom.rules.plan import ConditionTrace, Plan, PlannedEffect, RuleTrace
from postroom.rules.rule import NamedAction, Rule

_PLACES = (FileInto, Delete)
# Flags, copies and what leaves come before the one place, whatever order was written.
_ORDER: dict[type, int] = {
    SetFlags: 0,
    Copy: 1,
    Send: 2,
    Perform: 3,
    FileInto: 4,
    Delete: 4,
}


@dataclass(frozen=True)
class Circumstances:
    """What deciding depends on besides rules and message.

    With `body_available` False a body that the rules ask for can't be had (the message
    is too large): what needs it does not hold and is not done, and the trace says so.
    """

    owner: Owner
    now: datetime
    body_available: bool = True


class NeedsBody(PostroomError):
    """The headers left the rules undecided: decide again at depth full."""


@dataclass
class _Run:
    """One message on its way through the rules."""

    message: Message
    circumstances: Circumstances
    effects: list[PlannedEffect] = field(default_factory=list)
    trace: list[RuleTrace] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def fail(self, named: NamedAction, reason: str) -> str:
        """Note that a wish can't be had; what to tell of it."""
        self.undone.append(f"{named.name}: {reason}")
        return reason

    @property
    def is_placed(self) -> bool:
        return any(isinstance(planned.effect, _PLACES) for planned in self.effects)


def decide(
    rules: Sequence[Rule], message: Message, circumstances: Circumstances
) -> Plan:
    """The plan for a message.

    Raises `NeedsBody` when the headers are not enough, and `PluginError` when a
    condition or an action fails.
    """
    run = _Run(message, circumstances)
    key = message.key
    for rule in rules:
        if rule.concerns(key.account, key.mailbox) and _ends_after(rule, run):
            break
    effects = sorted(run.effects, key=lambda planned: _ORDER[type(planned.effect)])
    plan = Plan(tuple(effects), tuple(run.trace), tuple(run.undone))
    return plan.without(Delete(forever=True)) if run.undone else plan


def _ends_after(rule: Rule, run: _Run) -> bool:
    """Ask one rule, take its effects; True if no later rule is to be asked."""
    asked: list[ConditionTrace] = []
    answer = rule.when.ask(run.message, asked)
    if answer is None and run.circumstances.body_available:
        raise NeedsBody(rule.name)
    note = (
        "" if answer is not None else "not asked: the message is too large to be read"
    )
    entry = RuleTrace(rule.name, bool(answer), tuple(asked), note=note)
    if not answer:
        run.trace.append(entry)
        return False
    told, places = _take_actions(rule, run)
    stops = any(named.action.ends_run for named in rule.then)
    ends = stops or (places if rule.stop is None else rule.stop)
    note = "the rules after it are not asked" if ends else ""
    run.trace.append(replace(entry, effects=tuple(told), note=note))
    return ends


def _take_actions(rule: Rule, run: _Run) -> tuple[list[str], bool]:
    """Plan what the rule's actions want; what came of each, and if one places."""
    told, places, ordinal = [], False, 0
    for named in rule.then:
        if _lacks_body(named, rule, run):
            reason = run.fail(named, "not done: the message is too large to be read")
            told.append(f"{named.name}: {reason}")
            continue
        with plugin_code(named.plugin, f"{named.name} in rule {rule.name!r}"):
            wishes = tuple(named.action.effects(run.message))
        for wanted in wishes:
            key = _make_key(run.message, rule.name, ordinal, wanted)
            places = places or isinstance(wanted, _PLACES)
            told.append(f"{named.name}: {_take(wanted, named, rule, run, key)}")
            ordinal += 1
    return told, places


def _lacks_body(named: NamedAction, rule: Rule, run: _Run) -> bool:
    if named.action.depth == Depth.HEADERS or run.message.depth == Depth.FULL:
        return False
    if run.circumstances.body_available:
        raise NeedsBody(rule.name)
    return True


def _take(
    wanted: Effect | Intent, named: NamedAction, rule: Rule, run: _Run, key: str
) -> str:
    """Add one wish to the plan, or tell why not."""
    if isinstance(wanted, _PLACES) and run.is_placed:
        return "already placed"
    if isinstance(wanted, Forward):
        owner = run.circumstances.owner
        refusal = why_not_forward(run.message.header, owner.address)
        if refusal:
            return run.fail(named, f"refused: {refusal}")
        return _take_forward(wanted, rule, run, key)
    run.effects.append(PlannedEffect(key, rule.name, wanted))
    return tell(wanted)


def _take_forward(wanted: Forward, rule: Rule, run: _Run, key: str) -> str:
    owner, now = run.circumstances.owner, run.circumstances.now
    outgoing = compose_forward(run.message, wanted.to, owner, key, now)
    run.effects.append(PlannedEffect(key, rule.name, Send(outgoing)))
    return tell(Send(outgoing))


def _make_key(
    message: Message, rule: str, ordinal: int, wanted: Effect | Intent
) -> str:
    """A digest of who, why, which and where; each part with its length before it."""
    key, mark = message.key, message.fingerprint
    # A UID may come to mean another message.
    who = (key.account, key.mailbox, key.uidvalidity, key.uid)
    which = (mark.message_id, mark.size, mark.received.timestamp())
    target = ",".join(wanted.to) if isinstance(wanted, Forward) else tell(wanted)
    parts = map(str, (*who, *which, rule, ordinal, type(wanted).__name__, target))
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def tell(effect: Effect) -> str:
    """The effect in a few words, as logs and traces show it."""
    match effect:
        case SetFlags(add, remove):
            signed = [f"+{flag}" for flag in sorted(add)]
            return " ".join([*signed, *(f"-{flag}" for flag in sorted(remove))])
        case Copy(mailbox):
            return f"copy to {mailbox}"
        case FileInto(mailbox):
            return f"move to {mailbox}"
        case Delete(forever):
            return "delete for good" if forever else "move to Trash"
        case Send(outgoing):
            return f"send to {', '.join(outgoing.envelope.recipients)}"
        case Perform(action, _, _):
            return f"perform {action}"
