"""From messages to decisions: by their headers, and by bodies where it matters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from postroom.errors import PluginError, TemporaryError
from postroom.mail.message import Depth, Message
from postroom.mail.owner import Owner
from postroom.ports import Clock, Decision, Mailbox, Store
from postroom.ports.stages import NO_BODY
from postroom.rules.decide import Circumstances, NeedsBody, RuleHeld
from postroom.rules.plan import Plan
from postroom.service.decider import Decider, Outcome
from postroom.service.gatherer import Gatherer
from postroom.service.holds import Holds
from postroom.service.rulebook import Edition


@dataclass(frozen=True)
class Deliberation:
    """Decides for one account; a message above `max_size` octets without its body."""

    owner: Owner
    store: Store
    clock: Clock
    decider: Decider
    gatherer: Gatherer
    holds: Holds
    max_size: int

    async def by_headers(
        self, edition: Edition, mailbox: Mailbox, messages: Sequence[Message]
    ) -> tuple[list[Decision], list[Message]]:
        """What the headers decide, and the messages that are needed whole: for their
        body, or for a header of which there is but an excerpt."""
        there = [replace(each, delimiter=mailbox.delimiter) for each in messages]
        messages = await self.gatherer.gather(edition, there, Depth.HEADERS)
        whole = [message for message in messages if not message.excerpt]
        decisions, open_ = await self._decide(edition, whole, body_available=True)
        open_ = sorted(
            [*open_, *(message for message in messages if message.excerpt)],
            key=lambda message: message.key,
        )
        large = [message for message in open_ if message.size > self.max_size]
        more, _ = await self._decide(edition, large, body_available=False)
        fitting = [message for message in open_ if message.size <= self.max_size]
        return decisions + more, fitting

    async def in_full(
        self, edition: Edition, mailbox: Mailbox, messages: Sequence[Message]
    ) -> list[Decision]:
        """The decisions about these, their bodies fetched; what is gone is noted."""
        contents = await mailbox.contents([message.key.uid for message in messages])
        missing = [message for message in messages if message.key.uid not in contents]
        unread = await self._tell_unread(mailbox, missing)
        there = (message for message in messages if message.key.uid in contents)
        full = [message.at_full_depth(contents[message.key.uid]) for message in there]
        full = await self.gatherer.gather(edition, full, Depth.FULL)
        decisions, _ = await self._decide(edition, full, body_available=True)
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
        return [Decision(message, failure=NO_BODY) for message in unread]

    async def _decide(
        self, edition: Edition, messages: Sequence[Message], *, body_available: bool
    ) -> tuple[list[Decision], list[Message]]:
        held, paused = dict(self.holds.rules), self.holds.paused
        now = self.clock.now()
        circumstances = Circumstances(self.owner, now, body_available, held, paused)
        outcomes = await self.decider.decide(edition.index, messages, circumstances)
        decisions, open_ = [], []
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, NeedsBody):
                open_.append(message)
            else:
                decisions.append(_conclude(message, outcome, paused))
                await self.holds.consider(message.key, outcome)
        return decisions, open_


def _conclude(message: Message, outcome: Outcome, paused: Collection[str]) -> Decision:
    match outcome:
        case Plan():
            return Decision(message, outcome)
        case RuleHeld(rule=rule):
            return Decision(message, failure=str(outcome), waits_for=rule)
        case PluginError(rule=str(rule)) if rule in paused:
            # It was only asked whether the message is to wait.
            return Decision(message, failure=str(outcome), waits_for=rule)
    charged = not isinstance(outcome, TemporaryError)
    return Decision(message, failure=str(outcome), charged=charged)
