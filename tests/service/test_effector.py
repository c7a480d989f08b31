"""What was planned is done: grouped, in order, once, and recorded by evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.mail.message import MessageKey
from postroom.ports import Cursor, Halfway, OpenEffect, Placement
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags
from postroom.service.effector import Effector
from postroom.service.events import EffectFinished
from tests.service.mailbox import ACCOUNT, NOON, MemoryMailbox
from tests.service.planned import Plans, WithPlans
from tests.service.processing import Desk

READ = SetFlags(add=frozenset({"\\Seen"}))
FLAG = SetFlags(add=frozenset({"\\Flagged"}))
GONE = "the message was no longer there"


def test_flags_come_first_then_copies_then_the_place(with_plans: WithPlans) -> None:
    """Whatever the order in which they were planned, also across messages."""
    plans: Plans = {
        1: [FileInto("A"), Copy("B"), READ],
        2: [Delete(forever=True), FLAG],
        3: [Copy("C")],
    }

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await effector.apply(mailbox, ACCOUNT)
        verbs = [call.verb for call in mailbox.calls if call.verb != "headers"]
        assert verbs == ["flags", "flags", "copy", "copy", "move", "expunge"]
        assert mailbox.placed == {"B": [1], "C": [3], "A": [1]}
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans(plans, steps)


def test_equal_effects_are_one_command(with_plans: WithPlans) -> None:
    plans: Plans = {
        uid: [READ, FileInto("A" if uid % 2 else "B")] for uid in range(1, 7)
    }

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await effector.apply(mailbox, ACCOUNT)
        (flags,) = mailbox.told("flags")
        assert flags.uids == (1, 2, 3, 4, 5, 6)
        moves = {call.target: call.uids for call in mailbox.told("move")}
        assert moves == {"A": (1, 3, 5), "B": (2, 4, 6)}
        assert len(mailbox.told("move")) == 2

    with_plans(plans, steps)


def test_each_end_is_told_and_where_it_went_is_recorded(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await effector.apply(mailbox, ACCOUNT)
        told = [(e.effect.message.uid, e.state) for e in desk.told(EffectFinished)]
        assert told == [(1, "done"), (2, "done")]
        query = "SELECT target_mailbox, target_uidvalidity, target_uid FROM effect"
        assert [tuple(row) for row in desk._rows(query)] == [("A", 9, 1), ("A", 9, 2)]

    with_plans({1: [FileInto("A")], 2: [FileInto("A")]}, steps)


def test_nothing_planned_is_no_command(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.calls.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.calls == []

    with_plans({1: []}, steps)


def test_a_refusal_holds_its_group_and_others_go_on(with_plans: WithPlans) -> None:
    plans = {1: [FileInto("A")], 2: [FileInto("A")], 3: [FileInto("B")]}

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["move A"] = PermanentError("over quota")
        await effector.apply(mailbox, ACCOUNT)
        assert desk.effects() == [
            (1, "move", "held", "over quota"),
            (2, "move", "held", "over quota"),
            (3, "move", "done", ""),
        ]
        assert sorted(mailbox.mail) == [1, 2]
        mailbox.calls.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.calls == []  # what is held waits for a person

    with_plans(plans, steps)


def test_a_break_midway_keeps_what_was_done_and_leaves_the_rest_open(
    with_plans: WithPlans,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["move"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        assert [each[1:3] for each in desk.effects()] == [
            ("flags", "done"),
            ("move", "doing"),
        ]
        mailbox.calls.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert [call.verb for call in mailbox.calls] == ["move"]
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans({1: [READ, FileInto("A")]}, steps)


def test_what_was_copied_and_may_not_be_removed_is_held_and_known_in_its_target(
    with_plans: WithPlans,
) -> None:
    """Or the watcher of the target would take the copy for an arrival."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        placed = {1: Placement("A", 9, 4)}
        mailbox.failures["move"] = Halfway("\\Deleted is refused", placed)
        await effector.apply(mailbox, ACCOUNT)
        assert [each[1:3] for each in desk.effects()] == [("move", "held")]
        await desk.store.adopt(ACCOUNT, "A", Cursor(9, 3, NOON))
        key = MessageKey(ACCOUNT, "A", 9, 4)
        (copy,) = await mailbox.headers([1])
        seen = await desk.store.see([replace(copy, key=key)], NOON)
        assert seen[key].placed

    with_plans({1: [FileInto("A")]}, steps)


def test_a_uid_that_is_gone_fails_and_its_message_is_gone(
    with_plans: WithPlans,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        del mailbox.mail[1]
        await effector.apply(mailbox, ACCOUNT)
        assert desk.effects() == [
            (1, "flags", "failed", GONE),
            (1, "move", "failed", GONE),
            (2, "move", "done", ""),
        ]
        assert desk.states() == {1: "gone", 2: "acknowledged"}
        states = [(e.effect.message.uid, e.state) for e in desk.told(EffectFinished)]
        assert (1, "failed") in states

    with_plans({1: [READ, FileInto("A")], 2: [FileInto("A")]}, steps)


@pytest.mark.parametrize(
    ("effect", "verb"),
    [
        (FileInto("A"), "move"),
        (Delete(forever=True), "expunge"),
    ],
)
def test_a_departure_whose_answer_was_lost_is_done(
    with_plans: WithPlans, effect: Effect, verb: str
) -> None:
    """It was begun before and the message is not there: it was not there for us."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.lost[verb] = TemporaryError("cut after the command")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        assert mailbox.mail == {}
        await effector.apply(mailbox, ACCOUNT)
        ((_, _, state, detail),) = desk.effects()
        assert (state, detail) == ("done", "done before a break")
        assert desk.states() == {1: "acknowledged"}

    with_plans({1: [effect]}, steps)


def test_a_departure_that_was_never_begun_is_not_taken_for_done(
    with_plans: WithPlans,
) -> None:
    """The break came in the group before it, and then a person took the message."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["flags"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        mailbox.mail.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert [each[2] for each in desk.effects()] == ["failed", "failed"]
        assert desk.states() == {1: "gone"}

    with_plans({1: [READ, FileInto("A")]}, steps)


def test_what_was_done_before_a_departure_is_done_when_it_was_killed_after_it(
    with_plans: WithPlans,
) -> None:
    """The departure was begun, so what comes before it had been done."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        place = (ACCOUNT, mailbox.name, mailbox.uidvalidity)
        open_ = await desk.store.open_effects(*place)
        await desk.store.begin_effects([each.id for each in open_])
        mailbox.mail.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert [each[2] for each in desk.effects()] == ["done", "done"]
        assert desk.states() == {1: "acknowledged"}

    with_plans({1: [READ, FileInto("A")]}, steps)


def test_an_effect_is_journaled_before_its_command(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        found: list[str] = []
        mailbox.before["move"] = lambda: found.append(desk.effects()[0][2])
        await effector.apply(mailbox, ACCOUNT)
        assert found == ["doing"]

    with_plans({1: [FileInto("A")]}, steps)


def test_an_expunge_comes_after_all_else_is_done(with_plans: WithPlans) -> None:
    """It is open only then, so it takes a second round of the same call."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await effector.apply(mailbox, ACCOUNT)
        verbs = [call.verb for call in mailbox.calls if call.verb != "headers"]
        assert verbs == ["copy", "expunge"]
        assert mailbox.mail == {}

    with_plans({1: [Delete(forever=True), Copy("A")]}, steps)


def test_an_expunge_is_held_when_something_else_is(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["copy"] = PermanentError("no such place")
        await effector.apply(mailbox, ACCOUNT)
        assert list(mailbox.mail) == [1]
        assert [each[1:3] for each in desk.effects()] == [
            ("copy", "held"),
            ("expunge", "held"),
        ]

    with_plans({1: [Delete(forever=True), Copy("A")]}, steps)


def test_a_delete_that_was_never_aimed_is_held_and_not_expunged(
    with_plans: WithPlans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store gives none such: if it ever does, nothing is lost by it."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        real = desk.store.open_effects

        async def unaimed(*place: Any) -> list[OpenEffect]:  # noqa: ANN401 - passed on
            return [replace(each, effect=Delete()) for each in await real(*place)]

        monkeypatch.setattr(desk.store, "open_effects", unaimed)
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.told("expunge", "move") == []
        ((_, _, state, detail),) = desk.effects()
        assert (state, detail) == ("held", "nothing says where the message is to go")

    with_plans({1: [Delete(forever=True)]}, steps)
