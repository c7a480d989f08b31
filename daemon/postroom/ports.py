"""What the core asks of the outside: Protocols, and the data that passes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from postroom.mail.envelope import Outgoing
from postroom.mail.message import Message, MessageKey
from postroom.rules.effects import Effect, SetFlags
from postroom.rules.plan import Plan


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""


# -- mail in ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Placement:
    """Where a message ended up after a move or a copy; UIDs are None where the server
    does not tell (no UIDPLUS, RFC 4315)."""

    mailbox: str
    uidvalidity: int | None = None
    uid: int | None = None


@dataclass(frozen=True)
class AccountReport:
    """What a server said of itself when it was asked by `check --connect`."""

    capabilities: frozenset[str]
    mailboxes: tuple[str, ...]
    delimiter: str | None


class Mailbox(Protocol):
    """One selected mailbox on its own connection; one owner, one call at a time.

    Every method raises `TemporaryError` when the connection is lost, late or speaks
    nonsense (the connection is then gone for good: open the mailbox again); its
    subclass `RefusedForNow` when the server refuses for now, and `PermanentError` when
    it refuses for good (the connection serves on). UIDs given and returned are of this
    `uidvalidity`. A UID that has vanished is left out of results, never an error; so is
    one with which the server has done nothing: `present` tells them apart.
    """

    @property
    def name(self) -> str:
        """The mailbox's name as the user writes it: `/` is the delimiter."""

    @property
    def uidvalidity(self) -> int:
        """UIDVALIDITY as of the SELECT (RFC 3501, 2.3.1.1)."""

    @property
    def pushes(self) -> bool:
        """True if the server says by itself when something arrives (IDLE)."""

    async def newest(self) -> int:
        """The highest UID there is now, 0 if the mailbox is empty."""

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid`, ascending. A round trip that proves the connection."""

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, ascending, in one FETCH; a header that the
        server does not give is empty."""

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, in one FETCH; never sets `\\Seen`."""

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these UIDs that are there."""

    async def changed(self) -> None:
        """Return when something may have arrived; a hint only. Waits for ever where the
        server does not push."""

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags with one STORE a direction; the UIDs that were there."""

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy in one command, making the target if it is absent; where each went."""

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move in one command (or by verified steps), making the target if it is
        absent; where each went. Messages that were gone are left out."""

    async def resume(
        self, uids: Sequence[int], target: str, *, move: bool
    ) -> dict[int, Placement]:
        """End a copy or move that was cut off; where those went that were copied then.
        A copy is known by fingerprint and header, never without a Message-ID."""

    async def trash_name(self) -> str:
        """The name of the account's Trash mailbox, which need not be there yet."""

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there. Raises
        `PermanentError` where the server can't expunge by UID (no UIDPLUS)."""


class Account(Protocol):
    """Access to the mailboxes of one account."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""

    def open(self, mailbox: str) -> AbstractAsyncContextManager[Mailbox]:
        """Connect, log in and select; log out at the end. Raises `TemporaryError`,
        `AuthenticationError` or `PermanentError`."""

    async def probe(self) -> AccountReport:
        """Log in, look, and log out."""


# -- mail out --------------------------------------------------------------------------


class DeliveryState(StrEnum):
    """The states of a delivery, and the only names for them."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    FAILED = "failed"
    HELD = "held"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Receipt:
    """What came of one recipient: the state it leads to, and the server's words.

    `state` is `delivered`, `delayed` (4yz), `failed` (5yz) or `unknown` (no reply after
    the final dot). `code` is 0 where no reply was had.
    """

    state: DeliveryState
    code: int = 0
    reply: str = ""


class Relay(Protocol):
    """A submission server; keeps its connection between messages."""

    async def send(
        self,
        outgoing: Outgoing,
        recipients: Sequence[str],
        before_dot: Callable[[Sequence[str]], Awaitable[None]],
    ) -> dict[str, Receipt]:
        """Send to these recipients in one transaction; a receipt for each.

        `before_dot` is awaited with the accepted recipients after the content was
        written and before the final dot: from then on a lost connection is `unknown`.
        Raises `TemporaryError` when no transaction came about (connect, TLS, EHLO,
        421), `AuthenticationError` when the credentials are refused; then nothing was
        sent to anyone.
        """

    async def probe(self) -> frozenset[str]:
        """Connect, log in, and tell the server's extensions."""

    async def close(self) -> None:
        """Say QUIT and close; never raises."""


# -- memory ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Cursor:
    """How far a mailbox was read: all up to `uid` have a row or were adopted."""

    uidvalidity: int
    uid: int
    checked: datetime


class MessageState(StrEnum):
    """The states of a message, and the only names for them."""

    SEEN = "seen"
    DECIDED = "decided"
    SETTLED = "settled"
    ACKNOWLEDGED = "acknowledged"
    QUARANTINED = "quarantined"
    GONE = "gone"


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
    when it is not to be tried again."""

    message: Message
    plan: Plan | None = None
    failure: str = ""
    final: bool = False


@dataclass(frozen=True)
class OpenEffect:
    """A mailbox effect that is still to be done. `attempted` is True when it was begun
    before and its result was not recorded."""

    id: int
    message: MessageKey
    rule: str
    effect: Effect
    attempted: bool


@dataclass(frozen=True)
class EffectResult:
    """What came of an effect: `done`, `failed` or `held`; where the message went."""

    id: int
    state: EffectState
    detail: str = ""
    placement: Placement | None = None


@dataclass(frozen=True)
class DueDelivery:
    """A delivery whose time has come. `attempts` counts those that were charged."""

    id: int
    outgoing_id: int
    relay: str
    recipient: str
    attempts: int
    created: datetime


@dataclass(frozen=True)
class DeliveryResult:
    """What came of one delivery's attempt; `next_attempt` is given with `delayed`, and
    with an `unknown` that is to be sent again.

    With `charged` False (no transaction came about) the attempt is not counted against
    the delivery.
    """

    id: int
    receipt: Receipt
    next_attempt: datetime | None = None
    charged: bool = True


@dataclass(frozen=True)
class Ruleset:
    """The rule files as they were read: (name, text) pairs in the order they run."""

    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WatchReport:
    """What the watcher of a mailbox is at, for those who ask from outside."""

    account: str
    mailbox: str
    state: str
    detail: str
    since: datetime
    retry_at: datetime | None = None


class Store(Protocol):
    """What postroom remembers. Every method is one transaction, which survives kill -9;
    `commit`, `adopt`, `mark_sending` and `settle` are synced to disk as well."""

    async def begin_run(self, mode: str, ruleset: Ruleset) -> int:
        """Note the start of a run (`live`, `sweep`, `undo`) by these rules; its id."""

    async def cursor(self, account: str, mailbox: str) -> Cursor | None:
        """How far this mailbox has been read; None if never."""

    async def adopt(self, account: str, mailbox: str, cursor: Cursor) -> None:
        """Set the cursor without handling what lies before it."""

    async def touch(self, account: str, mailbox: str, checked: datetime) -> None:
        """Note that the mailbox was looked at and held nothing new."""

    async def report_watch(self, report: WatchReport) -> None:
        """Note what a watcher is at; the last report of each mailbox is kept."""

    async def see(
        self, messages: Sequence[Message], listed: datetime
    ) -> dict[MessageKey, Sighting]:
        """Record that deciding these is begun: a row for each new one, an attempt. One
        that has a row is only told. `acknowledged` at once are one that an effect of
        this account placed there, and one that has returned: decided here before, and
        away when the mailbox was `listed`, before anything was done to it."""

    async def begin_again(self, key: MessageKey) -> int:
        """Count one more attempt at deciding a `seen` message; how many there were. One
        by one: where one ends the process, the others must not be taken for it."""

    async def take_back(self, keys: Sequence[MessageKey]) -> None:
        """Take back the last attempt at those still `seen`: something else ended it."""

    async def known(self, messages: Sequence[Message]) -> frozenset[MessageKey]:
        """Those that the same mailbox held, decided, under another UIDVALIDITY."""

    async def carry_over(
        self, account: str, mailbox: str, messages: Sequence[Message]
    ) -> int:
        """Have what is open under other UIDVALIDITYs done to these; to how many."""

    async def give_up_before(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> None:
        """Fail the mailbox effects that are open under other UIDVALIDITYs."""

    async def undecided(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[int]:
        """UIDs of `seen` messages at or below the cursor, ascending."""

    async def mark_gone(self, keys: Sequence[MessageKey]) -> None:
        """Record that these are no longer on the server."""

    async def commit(
        self, run: int, decisions: Sequence[Decision], cursor: Cursor | None
    ) -> None:
        """Record plans, effects, outgoing mail and the cursor, all or nothing. Without
        a plan a message stays `seen`; at the third attempt, or when that is `final`, it
        is `quarantined`."""

    async def open_effects(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[OpenEffect]:
        """Mailbox effects to be done now, in order; an expunge only when all else of
        its message is done. It becomes `held` when one of that can't be done."""

    async def begin_effects(self, ids: Sequence[int]) -> None:
        """Record that these are being done."""

    async def finish_effects(self, results: Sequence[EffectResult]) -> None:
        """Record results, and move their messages to `settled` and `acknowledged`."""

    async def recover(self, now: datetime) -> int:
        """After a restart: deliveries left `sending` become `unknown`, and of these the
        at-least-once ones are queued again; how many were unknown."""

    async def due(
        self, now: datetime, limit: int, relay: str | None = None
    ) -> list[DueDelivery]:
        """Deliveries whose time has come, oldest first, grouped by outgoing; of this
        relay only if one is named. A clock that was set back delays none for long."""

    async def next_due(self, relay: str | None = None) -> datetime | None:
        """When the next delivery (of this relay) is due; None if none waits."""

    async def waiting_relays(self) -> dict[str, int]:
        """How many deliveries wait for each relay, even one that is in no settings."""

    async def outgoing(self, outgoing_id: int) -> Outgoing:
        """The envelope and the exact bytes; `ContentError` if they are damaged."""

    async def mark_sending(self, ids: Sequence[int]) -> None:
        """Record that the final dot is about to be sent."""

    async def settle(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the (account, mailbox) pairs whose expunges may now go on."""
