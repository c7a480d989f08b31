"""What the daemon tells of one account of the playground, put together by message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from postroom.mail.message import Message
from postroom.ports import EffectState
from postroom.rules.effects import Send
from postroom.rules.plan import Plan
from postroom.service.events import (
    EffectFinished,
    Event,
    MessageFailed,
    MessageHandled,
    WatchChanged,
    WatchState,
)

# All that had arrived is handled when the daemon waits again, for a push or a poll.
_RESTING = (WatchState.IDLE, WatchState.POLLING)


@dataclass(frozen=True)
class Handled:
    """One message that was handled; `troubles` is what did not go as planned.

    Where nothing could be decided, the plan and its trace are empty.
    """

    message: Message
    plan: Plan
    troubles: tuple[str, ...] = ()


@dataclass
class Audience:
    """Hears of one account; `sent` counts what its rules wanted to be sent."""

    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    sent: int = 0
    newest: int = 0

    async def until_idle(self) -> list[Handled]:
        """What the daemon has handled by the time it waits for more."""
        handled: dict[int, Handled] = {}
        troubles: dict[int, list[str]] = {}
        while True:
            match await self.events.get():
                case MessageHandled(message, plan):
                    handled[message.key.uid] = Handled(message, plan)
                    self.sent += _count_sends(plan)
                case MessageFailed(message, reason):
                    handled[message.key.uid] = Handled(message, Plan())
                    troubles.setdefault(message.key.uid, []).append(reason)
                case EffectFinished(effect, state, detail) if (
                    state is not EffectState.DONE
                ):
                    told = f"{state}: {detail}"
                    troubles.setdefault(effect.message.uid, []).append(told)
                case WatchChanged(state=state) if state in _RESTING:
                    return _join(handled.values(), troubles)

    async def until_handled(self) -> Handled:
        """The next message that was not heard of before."""
        while True:
            for handled in await self.until_idle():
                # An older one is a message that could not be decided, tried again.
                if handled.message.key.uid > self.newest:
                    self.newest = handled.message.key.uid
                    return handled


def account_of(event: Event) -> str:
    """The account that an event is about."""
    match event:
        case WatchChanged():
            return event.account
        case EffectFinished():
            return event.effect.message.account
        case MessageHandled() | MessageFailed():
            return event.message.key.account


def _count_sends(plan: Plan) -> int:
    return sum(isinstance(planned.effect, Send) for planned in plan.effects)


def _join(handled: Iterable[Handled], troubles: dict[int, list[str]]) -> list[Handled]:
    return [
        Handled(one.message, one.plan, tuple(troubles.get(one.message.key.uid, ())))
        for one in handled
    ]
