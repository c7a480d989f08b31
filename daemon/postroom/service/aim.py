"""From where rules want a message to go to where that is on its server.

This is settled before the commit, so that the target is on record before anything is
done: its watcher knows what comes there, and what goes for good waits until all else is
done.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace

from postroom.errors import PermanentError
from postroom.log import get_logger
from postroom.ports import Decision, Mailbox
from postroom.rules.effects import Copy, Delete, Effect, FileInto
from postroom.rules.plan import Plan

log = get_logger()


async def aim(mailbox: Mailbox, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions with each target as the server's mailbox, and each `Delete` as a
    move to Trash, or in Trash, for good."""
    wanted = {effect for decision in decisions for effect in _effects(decision)}
    changes: dict[Effect, Effect] = {}
    try:
        async for effect, aimed in _aimed(mailbox, wanted):
            changes[effect] = aimed
    except PermanentError as error:
        # What has no aim is held by itself, and nothing else is.
        log.warning("target_unknown", mailbox=mailbox.name, error=str(error))
    if not changes:
        return list(decisions)
    return [
        replace(decision, plan=_aim(decision.plan, changes))
        if decision.plan
        else decision
        for decision in decisions
    ]


async def _aimed(
    mailbox: Mailbox, wanted: Collection[Effect]
) -> AsyncIterator[tuple[Effect, Effect]]:
    targets = {each.mailbox for each in wanted if isinstance(each, Copy | FileInto)}
    meant = await mailbox.meant_by(targets) if targets else {}
    for change in _renamed(wanted, meant):
        yield change
    if Delete() in wanted:
        trash = await mailbox.trash_name()
        here = trash == mailbox.name
        yield Delete(), Delete(forever=True) if here else FileInto(trash)


def _effects(decision: Decision) -> Iterator[Effect]:
    for planned in decision.plan.effects if decision.plan else ():
        if isinstance(planned.effect, Copy | FileInto | Delete):
            yield planned.effect


def _renamed(
    effects: Iterable[Effect], meant: Mapping[str, str]
) -> Iterator[tuple[Effect, Effect]]:
    for effect in effects:
        match effect:
            case Copy(name) | FileInto(name) if meant[name] != name:
                yield effect, replace(effect, mailbox=meant[name])


def _aim(plan: Plan, changes: Mapping[Effect, Effect]) -> Plan:
    for wanted, aimed in changes.items():
        if plan.undone and aimed == Delete(forever=True):
            plan = plan.without(wanted)
        else:
            plan = plan.replacing(wanted, aimed)
    return plan
