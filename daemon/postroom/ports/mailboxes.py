"""Mail in: accounts and their mailboxes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from postroom.errors import PermanentError
from postroom.mail.message import Message
from postroom.rules.effects import SetFlags


@dataclass(frozen=True)
class Placement:
    """Where a message ended up after a move or a copy; UIDs are None where the server
    does not tell (no UIDPLUS, RFC 4315)."""

    mailbox: str
    uidvalidity: int | None = None
    uid: int | None = None


class Halfway(PermanentError):
    """A move or copy that came to no good end: these messages are, or may be, in the
    places of `placed` as well."""

    def __init__(self, message: str, placed: Mapping[int, Placement]) -> None:
        self.placed = placed
        super().__init__(message)


@dataclass(frozen=True)
class Extent:
    """How far the UIDs of a mailbox reached once: what came to it later has `uidnext`
    or above, under the same UIDVALIDITY. None as that means that it was not there."""

    uidvalidity: int | None
    uidnext: int


@dataclass(frozen=True)
class Resumed:
    """What is left of a copy or move that was cut off: where its copies are, by UID of
    the message, and of which messages nobody can tell whether there is one."""

    copies: Mapping[int, Placement] = field(default_factory=dict)
    doubtful: frozenset[int] = frozenset()


@dataclass(frozen=True)
class AccountReport:
    """What a server said of itself when it was asked by `check --connect`.

    `uses` tells which mailbox serves as `Trash`, `Archive` and the like, where one is.
    """

    capabilities: frozenset[str]
    mailboxes: tuple[str, ...]
    delimiter: str | None
    uses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """How a mailbox stands that is not opened (STATUS, RFC 3501, section 6.3.10): two
    that are equal mean that nothing has come in between."""

    uidvalidity: int
    uidnext: int
    messages: int


class Mailbox(Protocol):
    """One selected mailbox of a session; one owner, one call at a time.

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
    def delimiter(self) -> str | None:
        """What stands between the levels of names on the server; None for nothing."""

    @property
    def uidvalidity(self) -> int:
        """UIDVALIDITY as of the SELECT (RFC 3501, 2.3.1.1)."""

    @property
    def uidnext(self) -> int | None:
        """The lowest UID that the next arrival can have, by what the server has told
        since the SELECT; None where it does not tell."""

    @property
    def pushes(self) -> bool:
        """True if the server says by itself when something arrives (IDLE)."""

    async def newest(self) -> int:
        """The highest UID there is now, 0 if the mailbox is empty."""

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid`, ascending. A round trip that proves the connection."""

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, ascending, in one FETCH; one of which the
        server gives no header is left out."""

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, in one FETCH; never sets `\\Seen`."""

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these UIDs that are there."""

    async def changed(self) -> None:
        """Return when something may have arrived; a hint only. Waits for ever where the
        server does not push."""

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags with one STORE a direction; the UIDs that were there and kept
        them. Raises `PermanentError` where none of those that are there did."""

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy in one command, making the target if it is absent; where each went."""

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move in one command (or by verified steps), making the target if it is
        absent; where each went. Messages that were gone are left out. Raises `Halfway`
        where steps were copied and may not be removed."""

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """How far the UIDs of a target reach before this copies or moves into it; None
        where `resume` needs none, and where the server does not tell."""

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """End a copy or move of these that was cut off; what was the target's extent
        before it stands beside each. A copy came later, and is known by fingerprint and
        header, never without a Message-ID."""

    async def trash_name(self) -> str:
        """The name of the account's Trash mailbox, which need not be there yet."""

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """The mailbox that each of these names of targets means on this server: the one
        of that name, which need not be there yet; or for the usual name of a special
        use (RFC 6154), such as `Junk`, the one the server has for that use. It is told
        by the name under which it is watched, or by one canonical spelling."""

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there. Raises
        `PermanentError` where the server can't expunge by UID (no UIDPLUS)."""


class Session(Protocol):
    """One connection to an account, logged in; one owner, one call at a time.

    Errors are those of `Mailbox`.
    """

    @property
    def generation(self) -> int:
        """Which of the account's connections it is: each has a greater number."""

    @property
    def login_delay(self) -> float:
        """The seconds from one login to the next that the server wants (RFC 2449)."""

    async def open(self, mailbox: str) -> Mailbox:
        """Select a mailbox; the one that was opened before is void from then on. Raises
        `AbsentMailbox` where there is none of that name, and `PermanentError` where it
        is watched under another one."""

    async def standing(self, mailbox: str) -> Standing | None:
        """How a mailbox stands that is not opened now; None where the server can't tell
        (then only opening it does)."""

    async def prove(self) -> None:
        """A round trip that proves the connection."""


class Account(Protocol):
    """Access to the mailboxes of one account."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Connect and log in; log out at the end. Raises `TemporaryError`,
        `TooManyConnections`, `AuthenticationError` or `PermanentError`."""

    async def probe(self) -> AccountReport:
        """Log in, look, and log out."""


class SentMail(Protocol):
    """The mailbox in which a server keeps what was submitted to it."""

    async def find_sent(
        self, message_ids: Collection[str]
    ) -> Mapping[str, Placement] | None:
        """Where messages of these Message-IDs, or Resent-Message-IDs, are; None where
        there is no such mailbox. Errors are those of `Account.connect`."""
