"""What would be done with a message, decided as the daemon decides it, and not done.

Invariant: nothing is written. What conditions gather is asked for, and what they
remember is read where there is a store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from postroom.config.configuration import Configuration
from postroom.hooks.leash import Leash
from postroom.mail.message import Depth, Message
from postroom.ports import Clock, HoldKind, Memories
from postroom.rules.decide import Circumstances, NeedsBody, RuleHeld, decide
from postroom.rules.effects import Send, Window
from postroom.rules.plan import Plan
from postroom.service.gatherer import Gatherer
from postroom.service.holds import paused_of
from postroom.service.opening import make_provision, store_path
from postroom.service.rulebook import Edition
from postroom.store.database import open_store


class _Past(Memories, Protocol):
    """What plugins remember, and whom was answered."""

    async def answered(
        self, account: str, window: Window, now: datetime
    ) -> datetime | None: ...


@dataclass(frozen=True)
class _Known:
    """What the store remembers, if there is one."""

    past: _Past
    held: Mapping[str, str] = field(default_factory=dict)


class _NoPast:
    """That of a postroom that never ran."""

    async def answered(
        self, account: str, window: Window, now: datetime
    ) -> datetime | None:
        """Never."""
        return None

    async def recall(self, plugin: str, key: str) -> str | None:
        """Nothing."""
        return None

    async def remember(self, plugin: str, key: str, text: str, until: datetime) -> None:
        """Nothing: it is a dry run."""


async def explain(
    configuration: Configuration, message: Message, clock: Clock
) -> Plan | RuleHeld:
    """The plan, every rule asked; or the rule at which the message would wait.

    Raises `PluginError` and `TemporaryError` where deciding fails.
    """
    async with _open_known(configuration, clock) as known:
        provision = make_provision(configuration, known.past, clock, dry=True)
        leash = Leash()
        try:
            gatherer = Gatherer(provision.services, leash)
            plan = await _decide(configuration, message, clock, known, gatherer)
        except RuleHeld as held:
            return held
        finally:
            await leash.close()
        return await _without_answered(plan, message.key.account, clock, known)


async def _without_answered(
    plan: Plan, account: str, clock: Clock, known: _Known
) -> Plan:
    """The plan without what would not be sent, since its window is taken."""
    for planned in plan.effects:
        window = planned.effect.window if isinstance(planned.effect, Send) else None
        if window is None:
            continue
        if since := await known.past.answered(account, window, clock.now()):
            plan = plan.not_sending(planned, window.tell_taken(since))
    return plan


async def _decide(
    configuration: Configuration,
    message: Message,
    clock: Clock,
    known: _Known,
    gatherer: Gatherer,
) -> Plan:
    """As the daemon does: by the headers, and by the body only if it must be.

    Raises `RuleHeld`.
    """
    edition = Edition.of(0, configuration.rules)
    owner = configuration.owner(message.key.account)
    circumstances = Circumstances(
        owner, clock.now(), held=known.held, paused=paused_of(known.held)
    )
    headers = replace(message, content=None)
    (gathered,) = await gatherer.gather(edition, [headers], Depth.HEADERS)
    try:
        return decide(edition.index.rules, gathered, circumstances)
    except NeedsBody:
        full = replace(gathered, content=message.content)
    (gathered,) = await gatherer.gather(edition, [full], Depth.FULL)
    return decide(edition.index.rules, gathered, circumstances)


@asynccontextmanager
async def _open_known(
    configuration: Configuration, clock: Clock
) -> AsyncIterator[_Known]:
    path = store_path(configuration)
    if not path.exists():
        yield _Known(_NoPast())
        return
    async with open_store(path, clock=clock, read_only=True) as store:
        holds = await store.holds()
        held = {each.name: each.reason for each in holds if each.kind == HoldKind.RULE}
        yield _Known(store, held)
