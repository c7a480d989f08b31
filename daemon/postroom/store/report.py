"""What the store tells people: how things stand, and what was done last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from postroom.mail.message import MessageKey
from postroom.ports import (
    Cursor,
    DeliveryState,
    EffectState,
    MessageState,
    RelayReport,
    WatchReport,
)
from postroom.rules.plan import RuleTrace


@dataclass(frozen=True)
class MailboxReport:
    """How far a mailbox was read, and what its watcher said last; None if never."""

    account: str
    mailbox: str
    cursor: Cursor | None
    watch: WatchReport | None


@dataclass(frozen=True)
class Trouble:
    """A message, or an effect of one, that needs a person: its state, and why."""

    message: MessageKey
    message_id: str
    state: str
    reason: str
    updated: datetime
    rule: str | None = None


@dataclass(frozen=True)
class Undelivered:
    """A delivery that did not go well: to whom, and the last words about it."""

    relay: str
    recipient: str
    state: DeliveryState
    reply: str
    next_attempt: datetime | None


@dataclass(frozen=True)
class Summary:
    """How things stand: counts by state, cursors, and the latest troubles first.

    `relays` counts the deliveries that wait, by the relay that is to take them;
    `relay_troubles` are the relays that did not do well the last time.
    """

    store_id: str
    schema_version: int
    messages: Mapping[str, Mapping[MessageState, int]]
    deliveries: Mapping[DeliveryState, int]
    relays: Mapping[str, int]
    mailboxes: tuple[MailboxReport, ...]
    troubles: tuple[Trouble, ...]
    undelivered: tuple[Undelivered, ...]
    relay_troubles: tuple[RelayReport, ...]


@dataclass(frozen=True)
class EffectReport:
    """What an effect was to do, for which rule, and what came of it."""

    kind: str
    rule: str
    state: EffectState
    detail: str
    target: str | None


@dataclass(frozen=True)
class Handled:
    """A message that was handled: its state, the trace of why, and its effects."""

    key: MessageKey
    message_id: str
    received: datetime
    state: MessageState
    attempts: int
    reason: str
    updated: datetime
    trace: tuple[RuleTrace, ...] = ()
    effects: tuple[EffectReport, ...] = ()

    @property
    def matched(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order."""
        return tuple(entry.rule for entry in self.trace if entry.matched)
