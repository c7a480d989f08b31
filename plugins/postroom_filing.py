"""The actions that change where a message is, and how it is marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from postroom import (
    Action,
    Effect,
    FileInto,
    MailboxName,
    Message,
    RegisterAction,
    SetFlags,
    hookimpl,
)
from postroom import Delete as DeleteEffect


class Move(Action):
    """Move to a mailbox, made if it is absent. Ends the run."""

    depth = "headers"
    mailbox: MailboxName

    def effects(self, message: Message) -> Iterable[Effect]:
        """File it there."""
        yield FileInto(self.mailbox)


class Mark(Action):
    """Mark as read or unread."""

    depth = "headers"
    as_: Literal["read", "unread"]

    def effects(self, message: Message) -> Iterable[Effect]:
        """Set or take away \\Seen."""
        seen = frozenset({"\\Seen"})
        yield SetFlags(add=seen) if self.as_ == "read" else SetFlags(remove=seen)


class Flag(Action):
    """Flag it for attention (the star or flag of mail clients)."""

    depth = "headers"

    def effects(self, message: Message) -> Iterable[Effect]:
        """Set \\Flagged."""
        yield SetFlags(add=frozenset({"\\Flagged"}))


class Delete(Action):
    """Move to Trash, made if it is absent; in Trash, or as "forever", remove for good
    once all else is done. Ends the run."""

    depth = "headers"
    how: Literal[True, "forever"]

    def effects(self, message: Message) -> Iterable[Effect]:
        """Delete it."""
        yield DeleteEffect(forever=self.how == "forever")


class Stop(Action):
    """Ask no rule after this one."""

    depth = "headers"
    ends_run = True

    def effects(self, message: Message) -> Iterable[Effect]:
        """Nothing to be done."""
        return ()


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring the actions under their names in rule files."""
    register("move", Move)
    register("mark", Mark)
    register("flag", Flag)
    register("delete", Delete)
    register("stop", Stop)
