"""What conditions need from outside, gathered for a batch before it is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from postroom.hooks.gathering import SECONDS, gather
from postroom.hooks.leash import Leash
from postroom.mail.message import Depth, Message
from postroom.rules.services import Services
from postroom.service.rulebook import Edition


@dataclass(frozen=True)
class Gatherer:
    """Has conditions gather, within so many `seconds`; `services_for` gives what a
    plugin may use for it."""

    services_for: Callable[[str], Services]
    leash: Leash
    seconds: float = SECONDS

    async def gather(
        self, edition: Edition, messages: Sequence[Message], depth: Depth
    ) -> list[Message]:
        """The messages with what was gathered for them, and what failed to be."""
        if not messages:
            return []
        key = messages[0].key
        conditions = edition.gathering(key.account, key.mailbox, depth)
        if not conditions:
            return list(messages)
        failures = await gather(
            conditions, messages, self.services_for, self.leash, self.seconds
        )
        return [
            replace(each, ungathered={**each.ungathered, **failures})
            for each in messages
        ]
