"""What the service tells of while it runs, to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postroom.mail.message import Message
from postroom.ports import EffectState, OpenEffect
from postroom.rules.plan import Plan


class WatchState(StrEnum):
    """What a watcher is at."""

    CONNECTING = "connecting"
    WORKING = "working"
    IDLE = "idle"  # waiting for the server to push
    POLLING = "polling"  # waiting for the next poll
    RETRYING = "retrying"
    REFUSED = "refused"  # the server does not accept the credentials


@dataclass(frozen=True)
class WatchChanged:
    """A watcher went over to another state; `retry_at` where it will try again."""

    account: str
    mailbox: str
    state: WatchState
    detail: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True)
class MessageHandled:
    """The plan for a message is committed."""

    message: Message
    plan: Plan


@dataclass(frozen=True)
class MessageFailed:
    """There is no plan for a message; it stays where it is."""

    message: Message
    reason: str


@dataclass(frozen=True)
class EffectFinished:
    """An effect on a mailbox came to its end."""

    effect: OpenEffect
    state: EffectState
    detail: str = ""


Event = WatchChanged | MessageHandled | MessageFailed | EffectFinished
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The observer of those who do not watch."""
