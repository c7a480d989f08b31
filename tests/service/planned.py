"""Effects that are planned on a mailbox in memory, with nothing done yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from postroom.ports import Decision
from postroom.rules.effects import Effect
from postroom.rules.plan import Plan, PlannedEffect
from postroom.service.effector import Effector
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import Desk, open_desk

Steps = Callable[[Desk, MemoryMailbox, Effector], Awaitable[None]]
Plans = Mapping[int, Sequence[Effect]]
WithPlans = Callable[[Plans, Steps], None]


def take_steps(folder: Path, plans: Plans, steps: Steps) -> None:
    """Take steps where these effects are planned, by UID."""

    async def run() -> None:
        async with asyncio.timeout(30), open_desk(folder) as desk:
            mailbox = MemoryMailbox()
            mailbox.put(*[make_raw()] * len(plans))
            await _commit(desk, mailbox, plans)
            await steps(desk, mailbox, Effector(desk.store, desk.events.append))

    asyncio.run(run())


async def _commit(desk: Desk, mailbox: MemoryMailbox, plans: Plans) -> None:
    """Commit the plan of each UID."""
    messages = await mailbox.headers(list(plans))
    await desk.store.see(messages, desk.clock.now())
    decisions = [
        Decision(message, _make_plan(message.key.uid, plans[message.key.uid]))
        for message in messages
    ]
    await desk.store.commit(desk.run, decisions, None)


def _make_plan(uid: int, effects: Sequence[Effect]) -> Plan:
    """A plan with these effects."""
    planned = [
        PlannedEffect(f"{uid}/{number}", "a rule", effect)
        for number, effect in enumerate(effects)
    ]
    return Plan(tuple(planned))
