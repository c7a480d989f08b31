"""The actions that send mail."""

from __future__ import annotations

from collections.abc import Iterable

from postroom import Action, Intent, Message, Recipients, RegisterAction, hookimpl
from postroom import Forward as ForwardIntent


class Forward(Action):
    """Pass the message on: a new message from the account's owner with the original
    inside, unchanged."""

    sends = True
    to: Recipients

    def effects(self, message: Message) -> Iterable[Intent]:
        """Forward it; what goes in circles is refused."""
        yield ForwardIntent(self.to)


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring the action under its name in rule files."""
    register("forward", Forward)
