"""Gathering: conditions learn from outside what they need, before rules are asked.

One that fails costs the rules that ask it; the others gather all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from postroom.errors import PostroomError
from postroom.hooks.leash import Leash
from postroom.mail.message import Message
from postroom.rules.logic import Named
from postroom.rules.services import Services

SECONDS = 10.0

Failures = dict[int, PostroomError]


async def gather(
    conditions: Iterable[Named],
    messages: Sequence[Message],
    services_for: Callable[[str], Services],
    leash: Leash,
    seconds: float = SECONDS,
) -> Failures:
    """Have each condition gather for these messages, once and all at the same time.

    What failed, by the `id` of the condition: a `PluginError`, or the `TemporaryError`
    or `PermanentError` that the plugin raised. Equal conditions are one.
    """
    groups = _group(conditions)
    calls = (
        _gather_one(group[0], messages, services_for, leash, seconds)
        for group in groups
    )
    outcomes = await asyncio.gather(*calls)
    return {
        id(named.condition): failure
        for group, failure in zip(groups, outcomes, strict=True)
        if failure
        for named in group
    }


async def _gather_one(
    named: Named,
    messages: Sequence[Message],
    services_for: Callable[[str], Services],
    leash: Leash,
    seconds: float,
) -> PostroomError | None:
    call = partial(named.condition.gather, messages, services_for(named.plugin))
    try:
        await leash.wait(named.plugin, f"gathering for {named}", seconds, call)
    except PostroomError as failure:
        return failure
    return None


def _group(conditions: Iterable[Named]) -> list[list[Named]]:
    """Equal ones together; those that are not written alike need no comparing."""
    groups: dict[str, list[list[Named]]] = {}
    for named in conditions:
        alike = groups.setdefault(str(named), [])
        equal = next((group for group in alike if group[0] == named), None)
        if equal is None:
            alike.append([named])
        else:
            equal.append(named)
    return [group for alike in groups.values() for group in alike]
