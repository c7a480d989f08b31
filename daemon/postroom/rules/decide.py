"""Decide what to do with a message; do none of it.

No I/O, no clock and no chance: the same rules, message and circumstances give the
same plan, which is why a dry run is a plan that is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.errors import PluginError, PostroomError
from postroom.mail.message import Depth, Message
from postroom.mail.owner import Owner
from postroom.rules.boundary import plugin_code
from postroom.rules.condition import dump_options
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
    tell,
)
from postroom.rules.intents import Intent, Reply
from postroom.rules.keys import make_key
from postroom.rules.plan import ConditionTrace, Plan, PlannedEffect, RuleTrace
from postroom.rules.rule import NamedAction, Rule
from postroom.rules.sending import compose, why_not_send

_PLACES = (FileInto, Delete)
_NOT_ASKED = "not asked: the message is too large to be read"
_TOO_LARGE = "not done: the message is too large to be read"
_KEPT = "not done: something else that was wanted is not"
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
    `held` are the rules that are not carried out now, and why; of these only the
    `paused` ones can be asked whether a message is for them.
    """

    owner: Owner
    now: datetime
    body_available: bool = True
    held: Mapping[str, str] = field(default_factory=dict)
    paused: Collection[str] = ()


class NeedsBody(PostroomError):
    """The headers left the rules undecided: decide again at depth full."""


class RuleHeld(PostroomError):
    """The message came to a rule that is held: it waits until that is released. Tells
    of the rules that were asked till then."""

    def __init__(
        self, rule: str, reason: str, trace: tuple[RuleTrace, ...] = ()
    ) -> None:
        self.rule = rule
        self.trace = trace
        super().__init__(f"rule {rule!r} is held: {reason}")


def _note_nothing(rule: str) -> None:
    """For those who do not ask how far deciding has come."""


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

    def refuse(self, wanted: Intent, named: NamedAction, reason: str) -> str:
        """Note that this is not sent; what to tell of it.

        Not to answer is as good as to answer: it keeps nothing from being done.
        """
        told = f"refused: {reason}"
        return told if isinstance(wanted, Reply) else self.fail(named, told)

    @property
    def is_placed(self) -> bool:
        return any(isinstance(planned.effect, _PLACES) for planned in self.effects)

    @property
    def is_answered(self) -> bool:
        sent = (p.effect for p in self.effects if isinstance(p.effect, Send))
        return any(effect.window for effect in sent)


def decide(
    rules: Sequence[Rule],
    message: Message,
    circumstances: Circumstances,
    note: Callable[[str], None] = _note_nothing,
) -> Plan:
    """The plan for a message; `note` is told the name of each rule before it is asked.

    Raises `NeedsBody` when the headers are not enough, `RuleHeld` at a rule that is
    held, and `PluginError` when a condition or an action fails.
    """
    run = _Run(replace(message, now=circumstances.now), circumstances)
    key = message.key
    for rule in rules:
        if not rule.concerns(key.account, key.mailbox):
            continue
        note(rule.name)
        if _ask(rule, run):
            break
    if message.header.cut:
        # What was not read may hold what the rules looked for.
        run.undone.append(f"{message.header.cut}; the rest was not read")
    effects = sorted(run.effects, key=lambda planned: _ORDER[type(planned.effect)])
    plan = Plan(tuple(effects), tuple(run.trace), tuple(run.undone))
    return _without_removal(plan) if run.undone else plan


def _without_removal(plan: Plan) -> Plan:
    """The plan without what removes the message for good, and its trace as well."""
    forever = Delete(forever=True)
    trace = tuple(entry.telling(forever, _KEPT) for entry in plan.trace)
    return replace(plan.without(forever), trace=trace)


def _ask(rule: Rule, run: _Run) -> bool:
    """Ask one rule unless it is held; True if no later rule is to be asked."""
    circumstances = run.circumstances
    reason = rule.lacks or circumstances.held.get(rule.name, "")
    if rule.lacks or (reason and rule.name not in circumstances.paused):
        entry = RuleTrace(rule.name, matched=False, note=f"not asked: {reason}")
        raise RuleHeld(rule.name, reason, (*run.trace, entry))
    try:
        return _ends_after(rule, run)
    except PluginError as error:
        raise error.within(rule.name) from error


def _ends_after(rule: Rule, run: _Run) -> bool:
    """Ask one rule, take its effects; True if no later rule is to be asked."""
    asked: list[ConditionTrace] = []
    answer = rule.when.ask(run.message, asked)
    if answer is None and run.circumstances.body_available:
        raise NeedsBody(rule.name)
    note = "" if answer is not None else _NOT_ASKED
    entry = RuleTrace(rule.name, bool(answer), tuple(asked), note=note)
    if not answer:
        run.trace.append(entry)
        return False
    if reason := run.circumstances.held.get(rule.name):
        waiting = replace(entry, note=f"not carried out: {reason}")
        raise RuleHeld(rule.name, reason, (*run.trace, waiting))
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
        for wanted in _wishes(named, rule, run):
            key = make_key(run.message, rule.name, ordinal, wanted)
            places = places or isinstance(wanted, _PLACES)
            told.append(f"{named.name}: {_take(wanted, named, rule, run, key)}")
            ordinal += 1
    return told, places


def _lacks_octets(rule: Rule, run: _Run) -> bool:
    """True if they can't be had; raises `NeedsBody` where they can."""
    if run.message.depth == Depth.FULL:
        return False
    if run.circumstances.body_available:
        raise NeedsBody(rule.name)
    return True


def _wishes(named: NamedAction, rule: Rule, run: _Run) -> Sequence[Effect | Intent]:
    """What the action wants, and nothing that is neither an effect nor an intent; one
    that can't be asked for want of the octets wants what needs them."""
    if named.action.depth == Depth.FULL and _lacks_octets(rule, run):
        return (_fill_in(Perform(needs_bytes=True), named),)
    doing = f"{named.name} in rule {rule.name!r}"
    with plugin_code(named.plugin, doing):
        wishes = tuple(named.action.effects(run.message))
        for wanted in wishes:
            if not isinstance(wanted, Effect | Intent):
                kind = type(wanted).__name__
                raise PluginError(named.plugin, f"{doing}: {kind} is no effect")
        return tuple(_fill_in(wanted, named) for wanted in wishes)


def _fill_in(wanted: Effect | Intent, named: NamedAction) -> Effect | Intent:
    """A `Perform` with what makes its action again, later."""
    if not isinstance(wanted, Perform):
        return wanted
    return replace(wanted, action=named.name, options=dump_options(named.action))


def _take(
    wanted: Effect | Intent, named: NamedAction, rule: Rule, run: _Run, key: str
) -> str:
    """Add one wish to the plan, or tell why not."""
    if isinstance(wanted, _PLACES) and run.is_placed:
        return "already placed"
    if isinstance(wanted, Perform) and wanted.needs_bytes and _lacks_octets(rule, run):
        # The store holds it, so that the message is not taken for done with.
        run.effects.append(PlannedEffect(key, rule.name, wanted))
        return run.fail(named, _TOO_LARGE)
    if isinstance(wanted, Reply) and run.is_answered:
        return "already answered"  # RFC 3834, section 3.1.3: one response, not more
    if isinstance(wanted, Intent):
        owner, now = run.circumstances.owner, run.circumstances.now
        if refusal := why_not_send(wanted, run.message, owner, now):
            return run.refuse(wanted, named, refusal)
        wanted = compose(wanted, run.message, owner, rule.name, key, now)
    run.effects.append(PlannedEffect(key, rule.name, wanted))
    return tell(wanted)
