"""The actions that send mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from postroom import (
    Action,
    Heading,
    Intent,
    Message,
    Recipients,
    RegisterAction,
    ReplyPeriod,
    Wording,
    hookimpl,
)
from postroom import Forward as ForwardIntent
from postroom import Redirect as RedirectIntent
from postroom import Reply as ReplyIntent


class Forward(Action):
    """Pass the message on: a new message from the account's owner with the original
    inside, unchanged."""

    sends = True
    to: Recipients

    def effects(self, message: Message) -> Iterable[Intent]:
        """Forward it; what goes in circles is refused."""
        yield ForwardIntent(self.to)


class Redirect(Action):
    """Pass the message on as it is: it still comes from whoever wrote it."""

    sends = True
    to: Recipients

    def effects(self, message: Message) -> Iterable[Intent]:
        """Redirect it; what goes in circles is refused."""
        yield RedirectIntent(self.to)


class Reply(Action):
    """Answer whoever sent it with a text, once in a while: `every` is how long a sender
    is not answered again by the same rule, or by any of the same `handle`. Machines,
    lists and bounces are never answered."""

    depth = "headers"
    sends = True
    text: Wording
    subject: Heading | None = None
    every: ReplyPeriod = timedelta(days=7)
    handle: str | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse a handle that names nothing."""
        if self.handle is not None and not self.handle.strip():
            raise ValueError("the handle is blank: leave it out, or give it a name")

    def effects(self, message: Message) -> Iterable[Intent]:
        """Answer it, or say why not."""
        subject = self.subject.expand(message) if self.subject else None
        yield ReplyIntent(self.text.expand(message), subject, self.every, self.handle)


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring the actions under their names in rule files."""
    register("forward", Forward)
    register("redirect", Redirect)
    register("reply", Reply)
