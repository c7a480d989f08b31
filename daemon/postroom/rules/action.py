"""What an action is: a maker of effects; it does none of them itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from postroom.mail.message import Message
from postroom.rules.condition import Options
from postroom.rules.effects import Effect
from postroom.rules.intents import Intent
from postroom.rules.services import Services


class Action(Options):
    """Something to do with a message; say `depth = "headers"` if it needs no more.

    `ends_run` tells that the rules after this one are not asked, `places` that it says
    where the message is to be, which ends the run as well unless the rule says no;
    `sends` that it needs a submission server; `on_mailbox` that it changes where a
    message is or how it is marked, and `labels` that it sets a keyword of any name.
    """

    ends_run: ClassVar[bool] = False
    places: ClassVar[bool] = False
    sends: ClassVar[bool] = False
    on_mailbox: ClassVar[bool] = False
    labels: ClassVar[bool] = False

    @abstractmethod
    def effects(self, message: Message) -> Iterable[Effect | Intent]:
        """What is to be done, as data."""

    async def perform(self, payload: str, services: Services) -> str | None:
        """Carry out what a `Perform` of this action says; it may come twice. What of it
        was left out, for its owner to read, if anything was.

        What raises `TemporaryError` is tried again later, and so is what takes longer
        than a minute; `PermanentError` ends it.
        """
        raise NotImplementedError
