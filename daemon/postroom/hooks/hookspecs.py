"""The hooks: what postroom asks of plugins, and when.

An implementation names only the arguments it wants. New arguments may be added to a
hook; none is ever removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pluggy

from postroom.mail.envelope import Outgoing
from postroom.rules.action import Action
from postroom.rules.condition import Condition
from postroom.rules.rule import Rule

PROJECT = "postroom"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

RegisterCondition = Callable[[str, type[Condition]], None]
RegisterAction = Callable[[str, type[Action]], None]


@hookspec
def register_conditions(register: RegisterCondition) -> None:
    """At start: call `register(name, type)` for each condition the plugin brings."""


@hookspec
def register_actions(register: RegisterAction) -> None:
    """At start: call `register(name, type)` for each action the plugin brings."""


@hookspec
def provide_rules(options: Mapping[str, Any]) -> Iterable[Rule] | None:
    """At start and reload: rules written in Python, asked after those of the files.

    `options` is the plugin's table `[plugin.NAME]` of the settings.
    """


@hookspec(firstresult=True)
def resolve_secret(reference: str) -> str | None:
    """At start and reload: the secret that `scheme:rest` names, or None if the scheme
    is not this plugin's. The first answer counts."""


@hookspec
def lifespan(options: Mapping[str, Any]) -> AbstractAsyncContextManager[None] | None:
    """Around the service: entered before the first account, within 30 s, and left after
    the last, within 10 s."""


@hookspec
def delivery_settled(outgoing: Outgoing, status: str, detail: str) -> Any:  # noqa: ANN401 - None, or an awaitable of anything
    """After a delivery ended: `delivered`, `failed`, `held` or `unknown`, and the
    server's words. May be async; what is not runs in a thread. It has 10 s."""
