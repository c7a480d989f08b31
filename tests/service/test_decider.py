"""Deciding in a thread: in order, each failure its own, and no rule stalls the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from postroom.errors import PluginError
from postroom.mail.message import Message
from postroom.rules.decide import NeedsBody, RuleHeld
from postroom.rules.effects import FileInto
from postroom.rules.index import Index
from postroom.rules.plan import Plan
from postroom.rules.rule import Rule
from postroom.service.decider import Decider, Outcome
from postroom.service.holds import Overdue
from tests.builders import CIRCUMSTANCES, make_message
from tests.service.processing import rule

MOVE = FileInto("A")


def decide(
    messages: Sequence[Message], *rules: Rule, deadline: float = 10
) -> list[Outcome]:
    """The outcomes for these messages."""
    decider = Decider(deadline)
    return asyncio.run(decider.decide(Index(rules), messages, CIRCUMSTANCES))


def moved(outcome: Outcome) -> bool:
    """True of a plan that moves."""
    return isinstance(outcome, Plan) and bool(outcome.effects)


def test_there_is_an_outcome_for_each_message_in_order() -> None:
    messages = [make_message(uid=uid, subject=str(uid)) for uid in range(1, 100)]
    outcomes = decide(messages, rule(MOVE, header=lambda m: int(m.subject) % 3 == 0))
    assert [moved(outcome) for outcome in outcomes] == [
        uid % 3 == 0 for uid in range(1, 100)
    ]


def test_no_messages_are_no_outcomes() -> None:
    assert decide([], rule(MOVE)) == []


def test_a_message_whose_body_is_needed_says_so() -> None:
    outcomes = decide(
        [make_message(full=False), make_message()], rule(MOVE, body=lambda m: True)
    )
    assert isinstance(outcomes[0], NeedsBody)
    assert moved(outcomes[1])


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), MemoryError()])
def test_an_error_is_the_outcome_of_its_own_message(error: Exception) -> None:
    def fail(message: Message) -> bool:
        if message.key.uid == 2:
            raise error
        return True

    messages = [make_message(uid=uid) for uid in (1, 2, 3)]
    outcomes = decide(messages, rule(MOVE, header=fail))
    assert [moved(outcome) for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1], PluginError)
    assert type(error).__name__ in str(outcomes[1])


def test_a_rule_that_hangs_is_asked_no_more_and_others_are() -> None:
    """One message is an attempt the poorer; those that come to the rule wait for it."""
    never = threading.Event()

    def hang(message: Message) -> bool:
        return message.key.uid > 1 and never.wait()

    hangs = rule(MOVE, name="hangs", header=hang)
    early = rule(MOVE, name="early", header=lambda message: message.key.uid == 3)

    messages = [make_message(uid=uid) for uid in (1, 2, 3, 4)]
    try:
        first, second, third, fourth = decide(messages, early, hangs, deadline=0.05)
    finally:
        never.set()
    assert isinstance(first, Plan)
    assert isinstance(second, Overdue)
    assert second.rule == "hangs"
    assert "took longer than 0.05 s" in str(second)
    assert moved(third)
    assert isinstance(fourth, RuleHeld)
    assert fourth.rule == "hangs"


def test_a_thread_that_was_given_up_asks_no_more_when_it_wakes() -> None:
    """The messages after the one that hung belong to another thread."""
    gate, asked = threading.Event(), list[int]()

    def hang(message: Message) -> bool:
        asked.append(message.key.uid)
        return gate.wait()

    messages = [make_message(uid=uid) for uid in (1, 2, 3)]
    before = threading.active_count()
    decide(messages, rule(MOVE, header=hang), deadline=0.05)
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "decide":
            thread.join(10)
    assert threading.active_count() <= before
    assert asked == [1]


def test_the_loop_runs_on_while_rules_are_slow() -> None:
    """A rule waits for what the loop does meanwhile."""
    done = threading.Event()

    async def both() -> list[Outcome]:
        index = Index([rule(MOVE, header=lambda m: done.wait(10))])
        asyncio.get_running_loop().call_soon(done.set)
        return await Decider().decide(index, [make_message()], CIRCUMSTANCES)

    assert moved(asyncio.run(both())[0])


def test_an_outcome_holds_no_frame_and_so_no_other_message() -> None:
    """A collector would have to come by for the batch to be let go."""

    def fail(_: Message) -> bool:
        raise ValueError

    outcomes = [
        *decide([make_message(full=False)], rule(MOVE, body=lambda m: True)),
        *decide([make_message()], rule(MOVE, header=fail)),
    ]
    assert [type(each) for each in outcomes] == [NeedsBody, PluginError]
    for outcome in outcomes:
        assert isinstance(outcome, Exception)
        assert outcome.__traceback__ is None
