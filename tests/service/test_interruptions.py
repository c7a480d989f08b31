"""Messages that go meanwhile, connections that break, and stops: nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.mail.message import Message
from postroom.rules.effects import FileInto, SetFlags
from postroom.service.events import EffectFinished, MessageHandled
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Desk, is_bad, rule

FLAG = SetFlags(add=frozenset({"\\Flagged"}))


@pytest.mark.parametrize("verb", ["headers", "contents"])
def test_a_message_that_goes_meanwhile_is_left_out(at_desk: AtDesk, verb: str) -> None:
    """Between the search and the fetch, or between header and body."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 3)
        mailbox.before[verb] = lambda: mailbox.lose(2)
        await desk.processor(rule(FileInto("A"), body=lambda m: True)).catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 3]}
        assert desk.states().get(2) == ("gone" if verb == "contents" else None)
        assert await desk.cursor() == (7, 3)

    at_desk(steps)


def test_the_cursor_passes_messages_that_have_all_gone(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 3)
        mailbox.before["contents"] = mailbox.mail.clear
        await desk.processor(rule(FLAG, body=lambda m: True)).catch_up(mailbox)
        assert await desk.cursor() == (7, 3)
        assert set(desk.states().values()) == {"gone"}

    at_desk(steps)


def test_an_undecided_message_that_goes_is_not_asked_for_again(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(subject="bad"))
        processor = desk.processor(rule(FLAG, header=is_bad))
        await processor.catch_up(mailbox)
        mailbox.mail.clear()
        await processor.catch_up(mailbox)
        assert desk.states() == {1: "gone"}
        mailbox.calls.clear()
        await processor.catch_up(mailbox)
        assert mailbox.told("headers") == []

    at_desk(steps)


def test_what_a_break_left_open_is_done_at_the_next_look(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 2)
        mailbox.failures["move"] = TemporaryError("cut")
        processor = desk.processor(rule(FileInto("A")))
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        assert set(desk.states().values()) == {"decided"}
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 2]}
        assert len(desk.told(MessageHandled)) == 2
        assert len(desk.told(EffectFinished)) == 2

    at_desk(steps)


def test_an_effect_that_is_refused_leaves_its_message_and_the_others_go_on(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw(subject="bad"))
        mailbox.failures["move A"] = PermanentError("quota")
        rules = (
            rule(FileInto("A"), name="1", header=lambda m: m.subject == "bad"),
            rule(FileInto("B"), name="2"),
        )
        await desk.processor(*rules).catch_up(mailbox)
        assert mailbox.placed == {"B": [1]}
        assert desk.states() == {1: "acknowledged", 2: "settled"}

    at_desk(steps)


def test_a_stop_waits_for_the_batch_in_hand(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 300)
        processor = desk.processor(rule(FileInto("A")))
        work = asyncio.ensure_future(processor.catch_up(mailbox))

        def stop() -> None:
            work.cancel()

        mailbox.before["headers"] = stop
        with pytest.raises(asyncio.CancelledError):
            await work
        assert len(mailbox.placed["A"]) == 250
        assert await desk.cursor() == (7, 250)

    at_desk(steps)


def test_a_stop_that_can_not_wait_is_no_attempt(at_desk: AtDesk) -> None:
    """However often it happens: the message is not what ended it."""
    reached, go_on = threading.Event(), threading.Event()

    def dawdle(message: Message) -> bool:
        reached.set()
        return go_on.wait(30)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw())
        slow = desk.processor(rule(FileInto("A"), header=dawdle))
        hasty = replace(slow, grace=0.01)
        for _ in range(4):
            reached.clear()
            work = asyncio.ensure_future(hasty.catch_up(mailbox))
            await asyncio.to_thread(reached.wait, 30)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
        go_on.set()
        await slow.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    try:
        at_desk(steps)
    finally:
        go_on.set()
