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
    Hold,
    MessageState,
    RelayReport,
    WatchReport,
)
from postroom.ports.stages import Stage
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
    """A message, or an effect of one, that needs a person: its state, and why. What is
    `releasable` is tried again when its rule is released."""

    message: MessageKey
    message_id: str
    state: str
    reason: str
    updated: datetime
    rule: str | None = None
    releasable: bool = False

    def __str__(self) -> str:
        """All of it on a line."""
        rule = f" by rule {self.rule!r}" if self.rule else ""
        place = _tell_place(self.message, self.message_id)
        return f"{self.state}: {place}{rule}: {self.reason}"


@dataclass(frozen=True)
class Delayed:
    """What an action could not carry out yet: what it is, and why; `next_attempt` is
    None while it is tried."""

    message: MessageKey
    message_id: str
    rule: str
    told: str
    reason: str
    next_attempt: datetime | None
    updated: datetime

    def __str__(self) -> str:
        """All of it but the time on a line."""
        place = _tell_place(self.message, self.message_id)
        return f"delayed: {place} by rule {self.rule!r}: {self.told}: {self.reason}"


def _tell_place(key: MessageKey, message_id: str) -> str:
    place = f"{key.account}/{key.mailbox} UID {key.uid}"
    return f"{place} {message_id}" if message_id else place


@dataclass(frozen=True)
class Undelivered:
    """A delivery that did not go well: to whom, and the last words about it."""

    relay: str
    recipient: str
    state: DeliveryState
    reply: str
    next_attempt: datetime | None


@dataclass(frozen=True)
class Notice:
    """What `status` is to tell, until it is taken away or told otherwise."""

    name: str
    text: str
    updated: datetime


@dataclass(frozen=True)
class Summary:
    """How things stand: counts by state, cursors, and the latest troubles first.

    `relays` counts the deliveries that wait, by the relay that is to take them;
    `relay_troubles` are the relays that did not do well the last time. `waiting` counts
    the messages that wait for a rule, by its name; `delayed` is what actions could not
    carry out yet.
    """

    store_id: str
    schema_version: int
    messages: Mapping[str, Mapping[MessageState, int]]
    deliveries: Mapping[DeliveryState, int]
    relays: Mapping[str, int]
    mailboxes: tuple[MailboxReport, ...]
    troubles: tuple[Trouble, ...]
    delayed: tuple[Delayed, ...]
    undelivered: tuple[Undelivered, ...]
    relay_troubles: tuple[RelayReport, ...]
    holds: tuple[Hold, ...]
    notices: tuple[Notice, ...]
    waiting: Mapping[str, int]


@dataclass(frozen=True)
class DeliveryReport:
    """A delivery, and the message and rule that it comes of.

    `code` and `reply` are the last that was heard of it.
    """

    id: int
    outgoing: int
    message: MessageKey
    rule: str
    relay: str
    sender: str | None
    recipient: str
    message_id: str
    state: DeliveryState
    attempts: int
    next_attempt: datetime | None
    code: int
    reply: str
    created: datetime


@dataclass(frozen=True)
class AttemptReport:
    """An attempt at a delivery; `outcome` and `ended` are None until it is known what
    came of it."""

    started: datetime
    ended: datetime | None
    outcome: DeliveryState | None
    code: int
    reply: str


@dataclass(frozen=True)
class DeliveryDetail:
    """A delivery with every attempt at it, and the header of what is sent."""

    report: DeliveryReport
    tried: tuple[AttemptReport, ...]
    header: str


@dataclass(frozen=True)
class QuarantinedReport:
    """A message that was put aside, at which stage it was left, and why."""

    id: int
    key: MessageKey
    message_id: str
    size: int
    received: datetime
    attempts: int
    stage: Stage
    reason: str
    updated: datetime


@dataclass(frozen=True)
class Refusal:
    """What the owner asked for and can't be done to this delivery, and why."""

    id: int
    reason: str


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
    """A message that was handled: its state, the trace of why, and its effects.

    `passed_over` counts the rules that were not asked, because none of the patterns
    they need is in the header.
    """

    key: MessageKey
    message_id: str
    received: datetime
    state: MessageState
    attempts: int
    reason: str
    updated: datetime
    trace: tuple[RuleTrace, ...] = ()
    effects: tuple[EffectReport, ...] = ()
    passed_over: int = 0

    @property
    def matched(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order."""
        return tuple(entry.rule for entry in self.trace if entry.matched)
