"""What a break left, and what is refused for now, is tried again and done once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.mail.message import MessageKey
from postroom.ports import Cursor
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags
from postroom.service.effector import Effector
from postroom.service.events import EffectFinished
from postroom.service.resuming import PERHAPS_TWICE
from tests.service.mailbox import ACCOUNT, NOON, MemoryMailbox
from tests.service.planned import WithPlans
from tests.service.processing import Desk

READ = SetFlags(add=frozenset({"\\Seen"}))


# -- what a break left -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "lost", "moves"),
    [
        (FileInto("A"), "halfway", False),
        (FileInto("A"), "move", False),
        (FileInto("A"), "move", True),
        (Copy("A"), "copy", True),
    ],
)
def test_a_break_after_the_copy_makes_no_second_one(
    with_plans: WithPlans, effect: Effect, lost: str, moves: bool
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = moves
        mailbox.lost[lost] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1, 2]}
        assert sorted(mailbox.mail) == ([1, 2] if effect == Copy("A") else [])
        assert {each[2:] for each in desk.effects()} == {
            ("done", "done before a break")
        }
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans({1: [effect], 2: [effect]}, steps)


@pytest.mark.parametrize("effect", [FileInto("A"), Copy("A")])
def test_what_was_not_copied_before_a_break_is_copied_after_it(
    with_plans: WithPlans, effect: Effect
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = False
        mailbox.stuck.add(2)
        mailbox.lost["copy"] = mailbox.lost["halfway"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        mailbox.stuck.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1, 2]}
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans({1: [effect], 2: [effect]}, steps)


def test_a_first_attempt_looks_for_no_copies(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = False
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.told("resume", "present") == []

    with_plans({1: [FileInto("A"), Copy("B"), READ]}, steps)


def test_a_copy_that_can_not_be_removed_is_held(with_plans: WithPlans) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = False
        mailbox.lost["halfway"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        # The watcher of the target finds the copy, and knows whose it is.
        await desk.store.adopt(ACCOUNT, "A", Cursor(9, 1, NOON))
        key = MessageKey(ACCOUNT, "A", 9, 1)
        (message,) = await mailbox.headers([1])
        seen = await desk.store.see([replace(message, key=key)], NOON)
        assert seen[key].placed
        mailbox.failures["resume"] = PermanentError("read only")
        await effector.apply(mailbox, ACCOUNT)
        assert desk.effects() == [(1, "move", "held", "read only")]
        assert await desk.store.undecided(ACCOUNT, "A", 9) == []

    with_plans({1: [FileInto("A")]}, steps)


@pytest.mark.parametrize("effect", [FileInto("A"), Copy("A")])
def test_a_twin_in_the_target_is_not_taken_for_the_copy(
    with_plans: WithPlans, effect: Effect
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = False
        mailbox.placed["A"] = [1]
        verb = "copy" if effect == Copy("A") else "move"
        mailbox.failures[verb] = TemporaryError("cut before it was done")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1, 1]}
        assert desk.effects() == [(1, verb, "done", "")]

    with_plans({1: [effect]}, steps)


def test_what_was_noted_first_counts_after_several_breaks(
    with_plans: WithPlans,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.lost["copy"] = TemporaryError("cut")
        for broken in ("copy", "resume"):
            with pytest.raises(TemporaryError):
                await effector.apply(mailbox, ACCOUNT)
            mailbox.failures["resume"] = TemporaryError(f"cut after {broken}")
        mailbox.failures.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1]}

    with_plans({1: [Copy("A")]}, steps)


@pytest.mark.parametrize("effect", [FileInto("A"), Copy("A")])
def test_a_copy_that_nobody_can_tell_is_made_and_told(
    with_plans: WithPlans, effect: Effect, capsys: pytest.CaptureFixture[str]
) -> None:
    """There may be one too many, never one too few."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.moves = False
        mailbox.untold.add("A")
        mailbox.lost["copy"] = mailbox.lost["halfway"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await effector.apply(mailbox, ACCOUNT)
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1, 1]}
        ((_, _, state, detail),) = desk.effects()
        assert (state, detail) == ("done", PERHAPS_TWICE)
        said = capsys.readouterr()
        assert (said.out + said.err).count("effect_perhaps_repeated") == 1

    with_plans({1: [effect]}, steps)


# -- what is refused for now -----------------------------------------------------------


def test_a_refusal_for_now_stays_open_and_others_go_on(with_plans: WithPlans) -> None:
    plans = {1: [FileInto("A")], 2: [FileInto("A")], 3: [FileInto("B")]}

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["move A"] = RefusedForNow("over quota")
        await effector.apply(mailbox, ACCOUNT)
        assert [call.target for call in mailbox.told("move")] == ["A", "B"]
        assert [each[2] for each in desk.effects()] == ["doing", "doing", "done"]
        assert sorted(mailbox.mail) == [1, 2]
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.placed == {"A": [1, 2], "B": [3]}
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans(plans, steps)


@pytest.mark.parametrize("first", [Copy("A"), READ])
@pytest.mark.parametrize("last", [FileInto("B"), Delete(forever=True)])
def test_a_message_stays_while_something_else_of_it_is_refused_for_now(
    with_plans: WithPlans, first: Effect, last: Effect
) -> None:
    """Once it has left, the copy could never be made."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        for verb in ("copy", "flags"):
            mailbox.failures[verb] = RefusedForNow("later")
        await effector.apply(mailbox, ACCOUNT)
        assert len(mailbox.told("copy", "flags")) == 1
        assert sorted(mailbox.mail) == [1]
        assert desk.states() == {1: "decided", 2: "acknowledged"}
        await effector.apply(mailbox, ACCOUNT)
        assert mailbox.mail == {}
        assert set(desk.states().values()) == {"acknowledged"}

    with_plans({1: [first, last], 2: [FileInto("B")]}, steps)


def test_a_refusal_for_now_is_told_once(
    with_plans: WithPlans, capsys: pytest.CaptureFixture[str]
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.failures["move"] = RefusedForNow("over quota")
        await effector.apply(mailbox, ACCOUNT)
        said = capsys.readouterr()
        assert (said.out + said.err).count("effect_refused_for_now") == 1
        assert desk.told(EffectFinished) == []

    with_plans({1: [FileInto("A")], 2: [FileInto("A")]}, steps)


def test_what_is_there_and_was_not_done_is_not_taken_for_gone(
    with_plans: WithPlans,
) -> None:
    """A server may move a part only, and leave the rest without a word."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.stuck.add(2)
        await effector.apply(mailbox, ACCOUNT)
        assert desk.states() == {1: "acknowledged", 2: "decided"}
        assert len(mailbox.told("move")) == 1
        mailbox.stuck.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert desk.states() == {1: "acknowledged", 2: "acknowledged"}
        assert mailbox.placed == {"A": [1, 2]}

    with_plans({1: [FileInto("A")], 2: [FileInto("A")]}, steps)
