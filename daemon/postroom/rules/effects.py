"""The things that can be done to a message: data, not code. The set is closed."""

from __future__ import annotations

from dataclasses import dataclass

from postroom.mail.envelope import Outgoing


@dataclass(frozen=True)
class SetFlags:
    """Add and remove flags or keywords, such as `\\Seen` or `$Important`."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Copy:
    """Put a copy into another mailbox of the account; `/` is the delimiter."""

    mailbox: str


@dataclass(frozen=True)
class FileInto:
    """Move into another mailbox of the account; `/` is the delimiter."""

    mailbox: str


@dataclass(frozen=True)
class Delete:
    """Move to Trash; with `forever`, or in Trash, expunge once all else is done."""

    forever: bool = False


@dataclass(frozen=True)
class Send:
    """Hand a message to a relay."""

    outgoing: Outgoing


@dataclass(frozen=True)
class Perform:
    """Have the action of this name carry out `payload`, durably and at least once."""

    action: str
    payload: str
    needs_bytes: bool = False


Effect = SetFlags | Copy | FileInto | Delete | Send | Perform
