"""Conditions, actions and rules, tried the way they go in the daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

from postroom.config.rulefiles import read_rule_files
from postroom.errors import ConfigError
from postroom.hooks.discovery import find_plugins
from postroom.hooks.gathering import gather
from postroom.hooks.leash import Leash
from postroom.hooks.performing import perform
from postroom.hooks.plugins import Plugins, Registered
from postroom.mail.message import Depth, Message
from postroom.mail.owner import Owner
from postroom.rules.action import Action
from postroom.rules.condition import Condition, dump_options
from postroom.rules.decide import Circumstances, NeedsBody, decide
from postroom.rules.effects import Perform
from postroom.rules.logic import Named
from postroom.rules.plan import Plan, PlannedEffect
from postroom.rules.services import Services
from postroom.testing.messages import ADDRESS, NOON


def holds(condition: Condition, message: Message) -> bool:
    """What the condition answers; it is shown no more than the `depth` it declares."""
    return bool(condition.holds(_shown(message, condition.depth)))


def plan(
    rules: str, message: Message, *plugins: ModuleType, now: datetime = NOON
) -> Plan:
    """The plan of a rule file with this text, read with these plugins and the installed
    ones; raises `ConfigError` with all that is wrong in it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.toml").write_text(rules)
        account = message.key.account
        files = read_rule_files(Path(folder), _register(plugins), [account])
    if files.problems:
        raise ConfigError(files.problems)
    circumstances = Circumstances(Owner(account, ADDRESS, relay=account), now)
    try:
        return decide(files.rules, _shown(message, Depth.HEADERS), circumstances)
    except NeedsBody:
        return decide(files.rules, message, circumstances)


def _register(modules: Sequence[ModuleType]) -> Plugins:
    """These modules and what is installed, unless it is one of them."""
    given = {module.__name__.removeprefix("postroom_"): module for module in modules}
    found, problems = find_plugins()
    if problems:
        raise ConfigError(problems)
    names = {module.__name__ for module in modules}
    others = {
        each.name: each.module
        for each in found
        if getattr(each.module, "__name__", "") not in names
    }
    return Plugins({**others, **given}.items())


def _shown(message: Message, depth: str) -> Message:
    is_less = depth == Depth.HEADERS and message.content is not None
    return replace(message, content=None) if is_less else message


async def gathered(
    condition: Condition, messages: Sequence[Message], services: Services
) -> None:
    """Have the condition gather for these; raises what it fails with."""
    named = Named(type(condition).__name__, condition, "test")
    failures = await gather([named], messages, lambda _: services, Leash())
    for failure in failures.values():
        raise failure


async def performed(
    action: Action, effect: Perform | PlannedEffect, services: Services
) -> str:
    """Have the action perform what it planned, made again from its options; what was
    left out, if anything was. Raises what it fails with."""
    wanted = effect.effect if isinstance(effect, PlannedEffect) else effect
    if not isinstance(wanted, Perform):
        raise TypeError(f"expected a Perform, not {type(wanted).__name__}")
    kept = replace(wanted, options=dump_options(action))
    registered = Registered(type(action).__name__, type(action), "test")
    return await perform(registered, kept, services, Leash())
