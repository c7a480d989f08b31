"""The things that can be done to a message: data, not code. The set is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.log.redaction import escape
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
class Window:
    """One answer to one sender in a period (RFC 3834, section 2): `handle` tells the
    kinds of answer apart. It is taken when the plan is committed."""

    handle: str
    address: str
    period: timedelta

    def tell_taken(self, since: datetime) -> str:
        """Why nothing is sent in it, where it was taken then."""
        return f"not sent: {self.address} was answered on {since:%Y-%m-%d}"


@dataclass(frozen=True)
class Send:
    """Hand a message to a relay; within a `window`, if nothing was sent in it yet."""

    outgoing: Outgoing
    window: Window | None = None


@dataclass(frozen=True)
class Perform:
    """Have the action's `perform` carry out `payload`, durably and at least once; with
    `needs_bytes` the message's octets are kept for it. `told` says what is done in a
    few words, such as "save a copy in /srv/mail".

    An action leaves `action` and `options` to postroom, which fills in its registered
    name and its options, as JSON: by these it is made again to perform.
    """

    payload: str = ""
    needs_bytes: bool = False
    action: str = ""
    options: str = "{}"
    told: str = ""


Effect = SetFlags | Copy | FileInto | Delete | Send | Perform


def tell(effect: Effect) -> str:
    """The effect in a few words, as logs and traces show it."""
    match effect:
        case SetFlags(add, remove):
            signed = [f"+{flag}" for flag in sorted(add)]
            return " ".join([*signed, *(f"-{flag}" for flag in sorted(remove))])
        case Copy(mailbox):
            return f"copy to {mailbox}"
        case FileInto(mailbox):
            return f"move to {mailbox}"
        case Delete(forever):
            return "delete for good" if forever else "move to Trash"
        case Send(outgoing):
            return f"send to {', '.join(outgoing.envelope.recipients)}"
        case Perform(action=action, told=told):
            return escape(told) or f"perform {action}"
