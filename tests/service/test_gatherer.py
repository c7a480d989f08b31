"""Gathering before rules are asked: once a batch, and a failure is its condition's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import ClassVar

import pytest

from postroom.errors import TemporaryError
from postroom.mail.message import Message
from postroom.rules.condition import Condition
from postroom.rules.effects import FileInto
from postroom.rules.logic import Named
from postroom.rules.rule import Rule
from postroom.rules.services import Services
from postroom.service.events import MessageFailed, MessageHandled
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Desk, rule

Work = Callable[[Sequence[Message], Services], Awaitable[None]]


class Known(Condition):
    """Holds if it was gathered that it does."""

    depth = "headers"
    work: ClassVar[Work]
    name: str = ""

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """What the test wants."""
        await type(self).work(messages, services)

    def holds(self, message: Message) -> bool:
        """True if it is known."""
        return bool(message.facts["known"])


class KnownByBody(Known):
    """The same at depth full."""

    depth = "full"


def moving(kind: type[Known] = Known, name: str = "known", **where: object) -> Rule:
    """A rule that moves what is known."""
    named = Named(name, kind(name=name), "acme")
    base = rule(FileInto(name), name=name)
    return Rule(name, named, base.then, **where)  # type: ignore[arg-type] # a test's own


async def remember(messages: Sequence[Message], services: Services) -> None:
    """Known is who was seen before."""
    for message in messages:
        sender = message.header.addresses("From")[0].address
        message.facts["known"] = await services.remember.get(sender)
        await services.remember.put(sender, "yes", timedelta(days=9))


@pytest.mark.parametrize("kind", [Known, KnownByBody])
def test_what_was_gathered_is_there_when_rules_are_asked(
    at_desk: AtDesk, kind: type[Known]
) -> None:
    """Messages are gathered for in the order of arrival, each seeing those before."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        kind.work = staticmethod(remember)
        senders = ("a@x.org", "b@x.org", "a@x.org")
        mailbox.put(*(make_raw(**{"from": sender}) for sender in senders))
        await desk.processor(moving(kind)).catch_up(mailbox)
        assert mailbox.placed == {"known": [3]}
        first, _, third = desk.told(MessageHandled)
        assert first.plan.trace[0].conditions[0].holds is False
        assert third.plan.trace[0].conditions[0].holds is True

    at_desk(steps)


def test_it_gathers_once_a_batch_for_the_rules_that_are_asked(at_desk: AtDesk) -> None:
    batches: list[int] = []

    async def count(messages: Sequence[Message], services: Services) -> None:
        batches.append(len(messages))
        for message in messages:
            message.facts["known"] = False

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        Known.work = staticmethod(count)
        mailbox.put(*[make_raw()] * 40)
        elsewhere = moving(Known, "elsewhere", mailboxes=("Other",))
        await desk.processor(moving(), moving(), elsewhere).catch_up(mailbox)
        assert batches == [40]

    at_desk(steps)


def test_what_fails_for_now_is_tried_again_at_no_cost(at_desk: AtDesk) -> None:
    answers: list[Exception | None] = [*[TemporaryError("no network")] * 5, None]

    async def fail(messages: Sequence[Message], services: Services) -> None:
        answer = answers.pop(0)
        if answer:
            raise answer
        for message in messages:
            message.facts["known"] = True

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        Known.work = staticmethod(fail)
        mailbox.put(make_raw())
        processor = desk.processor(moving())
        for _ in range(5):
            await processor.catch_up(mailbox)
            assert desk.states() == {1: "seen"}
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"known": [1]}
        assert desk.told(MessageFailed)[0].reason == "no network"

    at_desk(steps)


@pytest.mark.parametrize("how", ["raises", "hangs", "forgets"])
def test_a_condition_that_fails_to_gather_costs_its_own_rule_alone(
    at_desk: AtDesk, how: str
) -> None:
    async def fail(messages: Sequence[Message], services: Services) -> None:
        if how == "raises":
            raise ZeroDivisionError("oops")
        if how == "hangs":
            await asyncio.Event().wait()

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        Known.work = staticmethod(fail)
        mailbox.put(make_raw(subject="mine"), make_raw())
        first = rule(FileInto("B"), name="first", header=lambda m: m.subject == "mine")
        processor = desk.processor(first, moving(), deadline=0.2)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"B": [1]}
        (failed,) = desk.told(MessageFailed)
        assert failed.reason.startswith("acme: ")
        assert desk.states()[2] == "seen"

    at_desk(steps)
