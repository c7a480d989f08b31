"""The actions that change where a message is, and how it is marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from postroom import (
    Action,
    Destination,
    Effect,
    FileInto,
    Keyword,
    Message,
    RegisterAction,
    SetFlags,
    Subfolder,
    hookimpl,
)
from postroom import Copy as CopyEffect
from postroom import Delete as DeleteEffect


class Move(Action):
    """Move to a mailbox, made if it is absent. Ends the run."""

    depth = "headers"
    on_mailbox = True
    places = True
    mailbox: Destination

    def effects(self, message: Message) -> Iterable[Effect]:
        """File it there."""
        yield FileInto(self.mailbox.expand(message))


class Archive(Action):
    """Move to the mailbox Archive, or to one below it. Ends the run."""

    depth = "headers"
    on_mailbox = True
    places = True
    path: Subfolder

    def effects(self, message: Message) -> Iterable[Effect]:
        """File it there."""
        yield FileInto(self.path.below("Archive", message))


class Copy(Action):
    """Put a copy into a mailbox, made if it is absent."""

    depth = "headers"
    on_mailbox = True
    mailbox: Destination

    def effects(self, message: Message) -> Iterable[Effect]:
        """Copy it there."""
        yield CopyEffect(self.mailbox.expand(message))


class Mark(Action):
    """Mark as read or unread."""

    depth = "headers"
    on_mailbox = True
    as_: Literal["read", "unread"]

    def effects(self, message: Message) -> Iterable[Effect]:
        """Set or take away \\Seen."""
        seen = frozenset({"\\Seen"})
        yield SetFlags(add=seen) if self.as_ == "read" else SetFlags(remove=seen)


class Flag(Action):
    """Flag it for attention (the star or flag of mail clients)."""

    depth = "headers"
    on_mailbox = True

    def effects(self, message: Message) -> Iterable[Effect]:
        """Set \\Flagged."""
        yield SetFlags(add=frozenset({"\\Flagged"}))


class Unflag(Action):
    """Take the flag away."""

    depth = "headers"
    on_mailbox = True

    def effects(self, message: Message) -> Iterable[Effect]:
        """Take away \\Flagged."""
        yield SetFlags(remove=frozenset({"\\Flagged"}))


class Label(Action):
    """Set a keyword, which many mail programs show as a label or a tag."""

    depth = "headers"
    on_mailbox = True
    labels = True
    keyword: Keyword

    def effects(self, message: Message) -> Iterable[Effect]:
        """Set it."""
        yield SetFlags(add=frozenset({self.keyword}))


class Delete(Action):
    """Move to Trash, made if it is absent; in Trash, or as "forever", remove for good
    once all else is done. Ends the run."""

    depth = "headers"
    on_mailbox = True
    places = True
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
    register("archive", Archive)
    register("copy", Copy)
    register("mark", Mark)
    register("flag", Flag)
    register("unflag", Unflag)
    register("label", Label)
    register("delete", Delete)
    register("stop", Stop)
