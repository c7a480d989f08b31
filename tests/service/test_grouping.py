"""Mailbox effects at which the process ended: tried alone, given up the third time."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from postroom.errors import RefusedForNow, TemporaryError
from postroom.rules.effects import FileInto, SetFlags
from postroom.service.effector import Effector
from tests.service.mailbox import ACCOUNT, MemoryMailbox
from tests.service.planned import take_steps
from tests.service.processing import Desk

MOVE = FileInto("A")
FLAG = SetFlags(frozenset({"\\Flagged"}))


async def end_at(desk: Desk, *uids: int) -> None:
    """Begin what is planned for these, as a process does that is killed then."""
    place = (ACCOUNT, "INBOX", 7)
    there = await desk.store.open_effects(*place)
    begun = [each.id for each in there if each.message.uid in uids]
    await desk.store.begin_effects(begun)


def test_what_was_begun_once_is_done_together(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await end_at(desk, 1, 2, 3)
        await effector.apply(mailbox, ACCOUNT)
        assert [call.uids for call in mailbox.told("move")] == [(1, 2, 3)]

    take_steps(tmp_path, {1: [MOVE], 2: [MOVE], 3: [MOVE]}, steps)


def test_what_was_begun_twice_is_done_alone_and_after_the_others(
    tmp_path: Path,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await end_at(desk, 1, 2)
        await end_at(desk, 1, 2)
        await effector.apply(mailbox, ACCOUNT)
        told = [call.uids for call in mailbox.told("move")]
        assert told == [(3, 4), (1,), (2,)]

    take_steps(tmp_path, {uid: [MOVE] for uid in (1, 2, 3, 4)}, steps)


def test_what_was_begun_three_times_is_held_and_nothing_else(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        for _ in range(3):
            await end_at(desk, 1)
        await effector.apply(mailbox, ACCOUNT)
        assert [call.uids for call in mailbox.told("move")] == [(2,)]
        held, done = desk.effects()
        assert (held[2], done[2]) == ("held", "done")
        (event,) = [e for e in desk.events if getattr(e, "state", "") == "held"]
        assert "begun 3 times and never ended" in str(event)

    take_steps(tmp_path, {1: [MOVE], 2: [MOVE]}, steps)


def test_flags_that_were_set_before_the_fatal_move_are_not_held_with_it(
    tmp_path: Path,
) -> None:
    """The process ends at the move: by then the flags are on record as set."""

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        await end_at(desk, 1)
        await end_at(desk, 1)
        found: list[list[str]] = []
        mailbox.before["move"] = lambda: found.append([e[2] for e in desk.effects()])
        await effector.apply(mailbox, ACCOUNT)
        assert found == [["done", "doing"]]

    take_steps(tmp_path, {1: [FLAG, MOVE]}, steps)


def stop(task: asyncio.Task[None]) -> None:
    """Stop it, as the owner stops the daemon."""
    task.cancel()


def test_a_stop_in_the_middle_of_a_move_does_not_count(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.stuck.add(1)
        for _ in range(4):
            applying = asyncio.create_task(effector.apply(mailbox, ACCOUNT))
            mailbox.before["present"] = partial(stop, applying)
            with pytest.raises(asyncio.CancelledError):
                await applying
        (open_,) = await desk.store.open_effects(ACCOUNT, "INBOX", 7)
        assert (open_.begun, open_.attempted) == (0, True)

    take_steps(tmp_path, {1: [MOVE]}, steps)


def test_a_mistake_of_our_own_counts_as_it_ends_the_process(tmp_path: Path) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("a mistake")

    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        mailbox.before["move"] = stumble
        for begun in (1, 2, 3):
            anew = Effector(desk.store, desk.events.append)
            with pytest.raises(ZeroDivisionError):
                await anew.apply(mailbox, ACCOUNT)
            (open_,) = await desk.store.open_effects(ACCOUNT, "INBOX", 7)
            assert open_.begun == begun
        await Effector(desk.store, desk.events.append).apply(mailbox, ACCOUNT)
        assert [each[2] for each in desk.effects()] == ["held"]

    take_steps(tmp_path, {1: [MOVE]}, steps)


@pytest.mark.parametrize("error", [RefusedForNow("busy"), TemporaryError("cut off")])
def test_what_the_server_refuses_or_a_connection_cuts_off_is_never_given_up(
    tmp_path: Path, error: TemporaryError
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox, effector: Effector) -> None:
        for _ in range(5):
            mailbox.failures["move A"] = error
            try:
                await effector.apply(mailbox, ACCOUNT)
            except TemporaryError:
                continue
        mailbox.failures.clear()
        await effector.apply(mailbox, ACCOUNT)
        assert [each[2] for each in desk.effects()] == ["done"]

    take_steps(tmp_path, {1: [MOVE]}, steps)
