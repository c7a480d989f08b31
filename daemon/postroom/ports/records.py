"""What is remembered of messages, and of what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postroom.mail.message import Message, MessageKey
from postroom.ports.mailboxes import Extent, Placement
from postroom.rules.effects import Effect, Perform
from postroom.rules.plan import Plan


@dataclass(frozen=True)
class Cursor:
    """How far a mailbox was read: all up to `uid` have a row or were adopted."""

    uidvalidity: int
    uid: int
    checked: datetime


@dataclass(frozen=True)
class Restored:
    """When the store was put back, and how; what went out before, it may not know."""

    since: datetime
    reason: str


class MessageState(StrEnum):
    """The states of a message, and the only names for them."""

    SEEN = "seen"
    DECIDED = "decided"
    SETTLED = "settled"
    ACKNOWLEDGED = "acknowledged"
    QUARANTINED = "quarantined"
    GONE = "gone"


@dataclass(frozen=True)
class NotSent:
    """An answer that was planned and is not sent, and why: its window is taken."""

    key: MessageKey
    rule: str
    detail: str


class EffectState(StrEnum):
    """The states of an effect, and the only names for them."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"


@dataclass(frozen=True)
class Sighting:
    """What the ledger says of an arrival: its state, and how often deciding was begun.

    With `begun_before` it is `seen` from an earlier time, and this time is not counted
    yet. `placed`: postroom itself put it there. `returned`: it was there before, left,
    and was put back.
    """

    state: MessageState
    attempts: int
    begun_before: bool = False
    placed: bool = False
    returned: bool = False


@dataclass(frozen=True)
class Decision:
    """The outcome for one message: a plan, or the reason why there is none; `final`
    when it is not to be tried again.

    With `waits_for`, the name of a rule that is held, the attempt is taken back, and
    the message is not tried again before that rule is released. What is not `charged`
    is not committed: it is tried again at the next look.
    """

    message: Message
    plan: Plan | None = None
    failure: str = ""
    final: bool = False
    waits_for: str = ""
    charged: bool = True


@dataclass(frozen=True)
class OpenEffect:
    """A mailbox effect that is still to be done. `attempted` is True when it was begun
    before and its result was not recorded; its target's extent was noted `before`. So
    many times it was `begun` last and never ended, be it by a failed connection."""

    id: int
    message: MessageKey
    rule: str
    effect: Effect
    attempted: bool
    before: Extent | None = None
    begun: int = 0


@dataclass(frozen=True)
class EffectResult:
    """What came of an effect: `done`, `failed` or `held`; where the message went. It is
    put aside if it was `begun` so many times and never ended."""

    id: int
    state: EffectState
    detail: str = ""
    placement: Placement | None = None
    begun: int = 0


class HoldKind(StrEnum):
    """What can be held, and the only names for it."""

    RULE = "rule"
    ACCOUNT = "account"


# The reason of a hold that is its owner's own wish.
PAUSED = "paused by its owner"


@dataclass(frozen=True)
class Hold:
    """A rule that is not asked, or an account that is not watched, until the owner says
    so, and why."""

    kind: HoldKind
    name: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class OpenPerform:
    """A `Perform` whose time has come; `key` is the same at each attempt, of which
    there were `attempts` before. Of those so many were `begun` last, and never
    ended."""

    id: int
    key: str
    message: MessageKey
    rule: str
    effect: Perform
    attempts: int
    created: datetime
    begun: int = 0


@dataclass(frozen=True)
class PerformResult:
    """What came of a `Perform`: `done`, `failed` or `held`; or `planned` again, with
    the time of the next attempt. It is put aside as an `EffectResult` is."""

    id: int
    state: EffectState
    detail: str = ""
    next_attempt: datetime | None = None
    begun: int = 0


@dataclass(frozen=True)
class Ruleset:
    """The rule files as they were read: (name, text) pairs in the order they run."""

    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RelayReport:
    """What is wrong with a relay, and when it is tried again; nothing if it is well."""

    name: str
    error: str
    retry_at: datetime | None = None


@dataclass(frozen=True)
class WatchReport:
    """What the watcher of a mailbox is at, for those who ask from outside."""

    account: str
    mailbox: str
    state: str
    detail: str
    since: datetime
    retry_at: datetime | None = None
