"""Performing: an action carries out what it planned, be it after a restart."""

from __future__ import annotations

from postroom.errors import TemporaryError
from postroom.hooks.leash import Leash, TooSlow
from postroom.hooks.plugins import Registered
from postroom.rules.action import Action
from postroom.rules.boundary import plugin_code
from postroom.rules.effects import Perform
from postroom.rules.services import Services

SECONDS = 60.0


async def perform(
    registered: Registered[Action],
    effect: Perform,
    services: Services,
    leash: Leash,
    seconds: float = SECONDS,
) -> str:
    """Make the action again from its options, and have it carry out the payload; what
    of it was left out, if anything was.

    Raises `TemporaryError` where it is to be tried again, also when it takes too long,
    `PermanentError` where that is no use, and `PluginError` where the plugin is wrong.
    """
    plugin, doing = registered.plugin, f"performing {registered.name}"
    with plugin_code(plugin, f"{doing}: its options have changed"):
        action = registered.type.model_validate_json(effect.options)
    left_out = ""

    async def call() -> None:
        nonlocal left_out
        said = await action.perform(effect.payload, services)
        left_out = said if isinstance(said, str) else ""

    try:
        await leash.wait(plugin, doing, seconds, call)
    except TooSlow as error:
        raise TemporaryError(str(error)) from error
    return left_out
