"""From messages to decisions: by their headers, and by bodies where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postroom.mail.compose import Owner
from postroom.mail.message import Message
from postroom.ports import Clock, Decision, Mailbox, Store
from postroom.rules.decide import Circumstances, NeedsBody
from postroom.rules.plan import Plan
from postroom.service.decider import Decider


@dataclass(frozen=True)
class Deliberation:
    """Decides for one account; a message above `max_size` octets without its body."""

    owner: Owner
    store: Store
    clock: Clock
    decider: Decider
    max_size: int

    async def by_headers(
        self, messages: Sequence[Message]
    ) -> tuple[list[Decision], list[Message]]:
        """What the headers decide, and the messages that are needed whole: for their
        body, or for a header of which there is but an excerpt."""
        whole = [message for message in messages if not message.excerpt]
        decisions, open_ = await self._decide(whole, body_available=True)
        open_ = sorted(
            [*open_, *(message for message in messages if message.excerpt)],
            key=lambda message: message.key,
        )
        large = [message for message in open_ if message.size > self.max_size]
        more, _ = await self._decide(large, body_available=False)
        fitting = [message for message in open_ if message.size <= self.max_size]
        return decisions + more, fitting

    async def in_full(
        self, mailbox: Mailbox, messages: Sequence[Message]
    ) -> list[Decision]:
        """The decisions about these, their bodies fetched; what is gone is noted."""
        contents = await mailbox.contents([message.key.uid for message in messages])
        missing = [message for message in messages if message.key.uid not in contents]
        unread = await self._tell_unread(mailbox, missing)
        there = (message for message in messages if message.key.uid in contents)
        full = [message.at_full_depth(contents[message.key.uid]) for message in there]
        decisions, _ = await self._decide(full, body_available=True)
        return unread + decisions

    async def _tell_unread(
        self, mailbox: Mailbox, messages: Sequence[Message]
    ) -> list[Decision]:
        """Note which of these are gone; those that are there can't be decided."""
        if not messages:
            return []
        present = await mailbox.present([message.key.uid for message in messages])
        gone = [message.key for message in messages if message.key.uid not in present]
        await self.store.mark_gone(gone)
        unread = (message for message in messages if message.key.uid in present)
        reason = "the server does not give its body"
        return [Decision(message, failure=reason) for message in unread]

    async def _decide(
        self, messages: Sequence[Message], *, body_available: bool
    ) -> tuple[list[Decision], list[Message]]:
        circumstances = Circumstances(self.owner, self.clock.now(), body_available)
        outcomes = await self.decider.decide(messages, circumstances)
        decisions, open_ = [], []
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, NeedsBody):
                open_.append(message)
            elif isinstance(outcome, Plan):
                decisions.append(Decision(message, outcome))
            else:
                decisions.append(Decision(message, failure=str(outcome)))
        return decisions, open_
