"""What is allowed, and most likely not what was meant: told as warnings.

Nothing is guessed: each of these can be proven from the rules alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from postroom.config.settings import Settings
from postroom.config.shadows import conjuncts, find_shadowed
from postroom.errors import Problem
from postroom.mail.message import Depth
from postroom.rules.boundary import plugin_code
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import Rule
from postroom.rules.text import Text

# What passes a message on, under the plugin that brings it.
_PASSES_ON = {("sending", "forward"), ("sending", "redirect")}
# What undoes what, each as the name of an action and what it marks as.
_OPPOSITES = [
    (("flag", ""), ("unflag", "")),
    (("mark", "read"), ("mark", "unread")),
]


def advise_on_daemon(settings: Settings, file: str) -> Iterator[Problem]:
    """A warning for what only tests want."""
    if settings.postroom.failpoints:
        message = (
            "POSTROOM_FAILPOINT in the environment may end the daemon at any moment: "
            "this is for tests"
        )
        yield Problem(file, message, key="postroom.failpoints")


def advise(rules: Collection[Rule], settings: Settings) -> Iterator[Problem]:
    """A warning for all that a person should look at again."""
    for rule in rules:
        if rule.enabled:
            yield from _advise_on(rule)
            yield from _advise_on_actions(rule)
            yield from _advise_on_circles(rule, settings)
    yield from find_shadowed(rules, settings)


def _advise_on(rule: Rule) -> Iterator[Problem]:
    if rule.lacks:
        yield _warn(rule, f"it lacks {rule.lacks}; what comes to it waits")
    if rule.on:
        message = "it is not run yet: this version acts on arrival only"
        yield _warn(rule, message, "on")
    for named in _leaves(rule.when):
        for text in _texts(named.condition):
            yield from _advise_on_text(rule, named.name, text)
    if rule.lacks:
        return  # What is left of its conditions is not what was written.
    if never_holds(rule.when):
        yield _warn(rule, "it can never match: its conditions exclude each other")
    elif always_needs_body(rule.when):
        message = (
            "no condition on the headers can keep a message out of it, so that every "
            "one that comes to it is fetched whole; add one, such as from or to"
        )
        yield _warn(rule, message, "when")


def _advise_on_actions(rule: Rule) -> Iterator[Problem]:
    """What is never done, or undone by another action of the same rule."""
    places = [named.name for named in rule.then if named.action.places]
    if len(places) > 1:
        message = f"{places[1]} is never done: {places[0]} places the message already"
        yield _warn(rule, message, "then")
    done = {
        (named.name, getattr(named.action, "as_", ""))
        for named in rule.then
        if named.plugin == "filing"
    }
    for one, other in _OPPOSITES:
        if {one, other} <= done:
            told = " and ".join(" ".join(each).strip() for each in (one, other))
            yield _warn(rule, f"{told} undo each other", "then")


def _advise_on_circles(rule: Rule, settings: Settings) -> Iterator[Problem]:
    """What is passed on to the account that it came to."""
    for number, named in enumerate(rule.then, 1):
        if (named.plugin, named.name) not in _PASSES_ON:
            continue
        to = {address.lower() for address in getattr(named.action, "to", ())}
        for name, account in settings.account.items():
            own = {account.address, *account.aliases}
            circles = sorted(address for address in own if address.lower() in to)
            if circles and (not rule.accounts or name in rule.accounts):
                message = (
                    f"{circles[0]} is an address of account {name!r} itself: what is "
                    "passed on there would only come back"
                )
                yield _warn(rule, message, f"then[{number}].{named.name}")


def _warn(rule: Rule, message: str, key: str | None = None) -> Problem:
    return Problem(rule.file, message, rule.name, key)


def _leaves(logic: Logic) -> Iterator[Named]:
    if isinstance(logic, Named):
        yield logic
    else:
        for part in logic.parts:
            yield from _leaves(part)


def _texts(value: object) -> Iterator[Text]:
    """Every text among the options of a condition."""
    match value:
        case Text():
            yield value
        case BaseModel():
            yield from _texts(
                [getattr(value, name) for name in type(value).model_fields]
            )
        case Mapping():
            yield from _texts([*value.values()])
        case list() | tuple() | frozenset():
            for item in value:
                yield from _texts(item)


def _advise_on_text(rule: Rule, key: str, text: Text) -> Iterator[Problem]:
    if text.glob and "?" in text.glob and "*" not in text.glob:
        message = (
            f"in {text.glob!r} the ? means exactly one character, and the pattern is "
            f"for the whole; write {{ contains = {text.glob!r} }} to search for a "
            "question mark"
        )
        yield _warn(rule, message, key)
    controls = {c for c in text.regex or "" if c < " " and c not in "\t\r\n"}
    if "\b" in controls:
        message = (
            r'between double quotes "\b" is a backspace; write a regular expression in '
            "single quotes, where a backslash stays one"
        )
        yield _warn(rule, message, key)
    elif controls:
        message = "there is a control character in it; write a regular expression in "
        yield _warn(rule, f"{message}single quotes, where a backslash stays one", key)


def never_holds(logic: Logic) -> bool:
    """True if it is proven that no message can fit."""
    required = conjuncts(logic)
    certain = [part for part in required if not isinstance(part, Either)]
    return _contradict(certain) or any(
        all(_contradict([*certain, *conjuncts(each)]) for each in part.parts)
        for part in required
        if isinstance(part, Either)
    )


def _contradict(required: Collection[Logic]) -> bool:
    excluded = [p for each in required if isinstance(each, Neither) for p in each.parts]
    if any(_follows(part, required) for part in excluded):
        return True
    named = [each for each in required if isinstance(each, Named)]
    names = {each.name for each in named}
    return any(
        _leave_nothing([each for each in named if each.name == name]) for name in names
    )


def _follows(logic: Logic, known: Collection[Logic]) -> bool:
    """True if it holds wherever all that is known does."""
    if logic in known:
        return True
    match logic:
        case All(parts):
            return all(_follows(part, known) for part in parts)
        case Either(parts):
            return any(_follows(part, known) for part in parts)
    return False


def _leave_nothing(named: Sequence[Named]) -> bool:
    """True if the highest lower bound is not below the lowest upper one."""
    with plugin_code(named[0].plugin, f"{named[0]}: bounds"):
        bounds = [each.condition.bounds() for each in named]
        lowers: list[Any] = [lower for lower, _ in bounds if lower is not None]
        uppers: list[Any] = [upper for _, upper in bounds if upper is not None]
        return bool(lowers and uppers and max(lowers) >= min(uppers))


def always_needs_body(logic: Logic) -> bool:
    """True if the headers of no message are enough to answer no."""
    return not _may_fail_early(logic)


def _may_fail_early(logic: Logic) -> bool:
    """True if there are headers by which it is known not to hold."""
    match logic:
        case Named():
            return logic.condition.depth == Depth.HEADERS
        case All(parts):
            return not parts or any(map(_may_fail_early, parts))
        case Either(parts):
            return all(map(_may_fail_early, parts))
        case Neither(parts):
            return any(map(_may_hold_early, parts))


def _may_hold_early(logic: Logic) -> bool:
    """True if there are headers by which it is known to hold."""
    match logic:
        case Named():
            return logic.condition.depth == Depth.HEADERS
        case All(parts):
            return all(map(_may_hold_early, parts))
        case Either(parts):
            return any(map(_may_hold_early, parts))
        case Neither(parts):
            return all(map(_may_fail_early, parts))
