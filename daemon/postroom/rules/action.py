"""What an action is: a maker of effects; it does none of them itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from postroom.mail.message import Message
from postroom.rules.condition import Options
from postroom.rules.effects import Effect
from postroom.rules.intents import Intent


class Action(Options):
    """Something to do with a message; say `depth = "headers"` if it needs no more.

    `ends_run` tells that the rules after this one are not asked, `sends` that it needs
    a submission server.
    """

    ends_run: ClassVar[bool] = False
    sends: ClassVar[bool] = False

    @abstractmethod
    def effects(self, message: Message) -> Iterable[Effect | Intent]:
        """What is to be done, as data."""
