"""What is remembered of maildrops (RFC 1939): the protocol itself remembers nothing.

A maildrop numbers its messages anew in each session, may name two by one unique-id, and
may give an old name to a new message. What is known of a message is therefore kept here
under a UID that is never given twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.mail.message import Message


@dataclass(frozen=True)
class Listed:
    """A message as a maildrop lists it: its `number` in this session, its `size` in
    octets, its unique-id; `uidl` is empty where that tells no two messages apart."""

    number: int
    size: int
    uidl: str = ""


@dataclass(frozen=True)
class Item:
    """What is remembered of one message of a maildrop: its UID, since when it is known,
    and whether its octets were noted as stored here. At one that `is_broken` the
    connection ended again and again: it is not to be asked for."""

    uid: int
    since: datetime
    stored: bool = False
    is_broken: bool = False


@dataclass(frozen=True)
class Roll:
    """What a listing means: the messages that are known by now, by their numbers, but
    for those that were there before postroom and are left as they are; the numbers of
    those that only their octets identify; and with `renumbered`, that nearly all that
    was known is gone, or may be, and others have come in its place."""

    items: Mapping[int, Item]
    unidentified: tuple[int, ...] = ()
    renumbered: bool = False


@dataclass(frozen=True)
class Stored:
    """A message that is durable here, and the SHA-256 of its octets, in hex."""

    uid: int
    content_hash: str


@dataclass(frozen=True)
class Maildrop:
    """The UIDs of an account's maildrop: their UIDVALIDITY, and the lowest that is not
    given yet. `hides`: it once hid messages after they were retrieved."""

    uidvalidity: int
    uidnext: int
    hides: bool = False


# In front of the login: an IMAP account of the same one is another.
_SCHEME = "pop3:"


def as_maildrop(login: str) -> str:
    """What tells the account with this login from others, if its mail is a maildrop."""
    return _SCHEME + login


def is_maildrop(identity: str) -> bool:
    """True of what `as_maildrop` gives."""
    return identity.startswith(_SCHEME)


class Maildrops(Protocol):
    """The memory of maildrops, by account. Each method is one transaction; UIDs that
    were given are synced to disk when the method returns."""

    async def maildrop(self, account: str) -> Maildrop:
        """The account's maildrop; it is given its UIDVALIDITY when it is first met."""

    async def begin_anew(self, account: str) -> None:
        """Have nothing that is known be taken for what the maildrop holds: UIDs are
        given anew, under another UIDVALIDITY."""

    async def note_listing(self, account: str, listing: Sequence[Listed]) -> Roll:
        """Note what the maildrop holds now: a UID for each that is new, and which of
        those that were known are gone."""

    async def identify(
        self, account: str, found: Mapping[Listed, str]
    ) -> Mapping[int, Item]:
        """Recognise messages by the SHA-256 of their octets, or give them a UID; by
        their numbers. Two that are equal are two."""

    async def note_stored(
        self, account: str, stored: Collection[Stored]
    ) -> frozenset[int]:
        """Note that these are durable here. The UIDs of those that are no new messages:
        they were known under another UID, and the maildrop has renamed them; they go on
        under the one they had, and these UIDs are void."""

    async def unhandled(self, account: str) -> frozenset[int]:
        """The UIDs of those noted as stored, and not as removed, that are in no ledger:
        a break came before they were looked at."""

    async def removable(self, account: str, keep: timedelta | None) -> frozenset[int]:
        """The UIDs of those that may be removed from the server now: stored, every
        effect done, and for at least so long here, by the wall clock as well as by the
        uptime that was counted at each listing. `keep` None: never."""

    async def note_broken(self, account: str, uid: int) -> None:
        """Note that the connection ended while this one was to come."""

    async def note_asked(self, account: str, uids: Collection[int]) -> None:
        """Note that the server is asked now to remove these: if it does not answer,
        only their octets tell whether what is listed by their names is still they."""

    async def note_removed(self, account: str, uids: Collection[int]) -> None:
        """Note that the server has confirmed the removal of these."""

    async def note_arrived(self, messages: Sequence[Message], held: str = "") -> None:
        """Record these as `seen`; what would go out of them waits for the owner, who is
        told the reason `held`."""
