"""A server that numbers its messages anew has none sent out, and none lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.mail.message import Message
from postroom.ports import DeliveryState, HoldKind
from postroom.rules.effects import FileInto, Send
from postroom.service.batches import BatchSizes
from postroom.service.events import MessageHandled
from tests.builders import make_raw
from tests.service.mailbox import NOON, MemoryMailbox
from tests.service.processing import Desk, open_desk, rule

Steps = Callable[[Desk, MemoryMailbox], Awaitable[None]]

FORWARD = Send(
    Outgoing(
        relay="home",
        envelope=Envelope("me@example.org", ("you@example.org",)),
        content=b"Subject: x\r\n\r\nx\r\n",
        message_id="<out@x>",
        retry=Retry.AT_LEAST_ONCE,
    )
)
PASS_ON = rule(FORWARD, FileInto("A"))


def at_desk(folder: Path, steps: Steps) -> None:
    """Take steps where a store and a mailbox are."""

    async def run() -> None:
        async with asyncio.timeout(60), open_desk(folder) as desk:
            await steps(desk, MemoryMailbox())

    asyncio.run(run())


def put(mailbox: MemoryMailbox, *numbers: int, age: timedelta | None = None) -> None:
    """Have messages of these numbers arrive, received that long ago."""
    for number in numbers:
        raw = make_raw(message_id=f"<{number}@x>")
        mailbox.put(raw, received=NOON - (age or timedelta(0)))


def handled(desk: Desk) -> list[str]:
    """The Message-IDs of what was handled, in order."""
    return [event.message.message_id for event in desk.told(MessageHandled)]


async def outbox(desk: Desk) -> dict[DeliveryState, int]:
    """How many deliveries are in which state."""
    return dict((await desk.store.summary()).deliveries)


# -- many unknown ----------------------------------------------------------------------


@pytest.mark.parametrize(("old", "state"), [(49, "queued"), (50, "held")])
def test_more_than_fifty_unknown_hold_what_would_go_out(
    tmp_path: Path, old: int, state: DeliveryState
) -> None:
    """What is moved is moved all the same; the owner is told why it was held."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *range(old), age=timedelta(days=30))
        processor = desk.processor(PASS_ON, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        put(mailbox, 100)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<100@x>"]
        assert len(mailbox.placed["A"]) == 1
        assert await outbox(desk) == {DeliveryState(state): 1}
        told = (await desk.store.summary()).undelivered
        assert [each.reply for each in told] == (
            [f"the server numbered its messages anew, and {old + 1} are unknown"]
            if state == "held"
            else []
        )

    at_desk(tmp_path, steps)


def test_what_was_held_stays_held_when_the_connection_is_cut_in_between(
    tmp_path: Path,
) -> None:
    """Part of it was handled before, so that fewer are unknown now."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(
            PASS_ON, adopt_existing=True, sizes=BatchSizes(first=40, most=40)
        )
        await processor.catch_up(mailbox)
        put(mailbox, *range(80))
        mailbox.number_anew()
        for verb in ("headers", "search", "move"):
            mailbox.lost[verb] = TemporaryError("cut")
        looks = 0
        while looks < 6:
            looks += 1
            with contextlib.suppress(TemporaryError):
                await processor.catch_up(mailbox)
        assert len(mailbox.placed["A"]) == 80
        assert await outbox(desk) == {DeliveryState.HELD: 80}

    at_desk(tmp_path, steps)


def test_what_could_not_be_decided_at_first_is_held_all_the_same(
    tmp_path: Path,
) -> None:
    works = False

    def ask(message: Message) -> bool:
        if not works:
            raise ZeroDivisionError
        return True

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        nonlocal works
        pass_on = rule(FORWARD, header=ask)
        processor = desk.processor(pass_on, adopt_existing=True)
        await processor.catch_up(mailbox)
        put(mailbox, *range(51))
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        assert await outbox(desk) == {}
        works = True
        assert await desk.holds.release(HoldKind.RULE, pass_on.name)
        await processor.catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.HELD: 51}

    at_desk(tmp_path, steps)


def test_what_has_open_work_is_not_unknown(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(FileInto("A")))
        put(mailbox, *range(60))
        mailbox.failures["move"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        mailbox.number_anew()
        put(mailbox, 100)
        await desk.processor(PASS_ON).catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.QUEUED: 1}
        assert len(mailbox.placed["A"]) == 61

    at_desk(tmp_path, steps)


def test_what_comes_after_the_reset_goes_out_again(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *range(60), age=timedelta(days=30))
        processor = desk.processor(PASS_ON, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        put(mailbox, 100)
        await processor.catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.QUEUED: 1}

    at_desk(tmp_path, steps)


def test_ten_thousand_old_messages_that_are_renumbered_cause_nothing(
    tmp_path: Path,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *range(10_000), age=timedelta(days=3))
        processor = desk.processor(PASS_ON, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        assert (handled(desk), mailbox.placed) == ([], {})
        assert await outbox(desk) == {}

    at_desk(tmp_path, steps)


def test_arrivals_that_were_not_reached_yet_are_none_less_after_a_reset(
    tmp_path: Path,
) -> None:
    """They were there before the last look, which did not get to them."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        sizes = BatchSizes(first=5, most=5)
        processor = desk.processor(PASS_ON, adopt_existing=True, sizes=sizes)
        await processor.catch_up(mailbox)
        put(mailbox, *range(20))
        desk.clock.ahead += timedelta(hours=1)
        mailbox.lost["move"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        assert len(handled(desk)) == 20

    at_desk(tmp_path, steps)


def test_a_first_reading_that_is_broken_off_by_a_reset_begins_again(
    tmp_path: Path,
) -> None:
    """`existing = "process"`: however old the mail is."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(FileInto("A")), adopt_existing=False)
        put(mailbox, *range(20), age=timedelta(days=30))
        mailbox.failures["headers"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        assert len(handled(desk)) == 20

    at_desk(tmp_path, steps)


def test_a_message_whose_header_is_hidden_at_a_reset_is_told(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(FileInto("A")), adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        put(mailbox, 1, 2)
        mailbox.hidden["headers"] = {102}
        await processor.catch_up(mailbox)
        assert desk.states(8) == {101: "acknowledged", 102: "quarantined"}
        (trouble,) = (await desk.store.summary()).troubles
        assert "did not give its header" in trouble.reason

    at_desk(tmp_path, steps)


# -- UIDs that fall --------------------------------------------------------------------


def begin_again_below(mailbox: MemoryMailbox) -> None:
    """Give UIDs from 1 on once more, without another UIDVALIDITY."""
    mailbox.mail.clear()
    mailbox.uidnext = 1
    mailbox.uids = iter(range(1, 100))  # type: ignore[assignment] # it counts


def test_mail_below_a_cursor_that_uids_fell_under_is_not_lost(tmp_path: Path) -> None:
    """Nor is it taken for what had its UIDs before."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1, 2, 3)
        processor = desk.processor(PASS_ON)
        await processor.catch_up(mailbox)
        begin_again_below(mailbox)
        put(mailbox, 4, 5)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>", "<2@x>", "<3@x>", "<4@x>", "<5@x>"]
        assert mailbox.placed == {"A": [1, 2, 3, 1, 2]}
        assert await desk.cursor() == (7, 2)

    at_desk(tmp_path, steps)


def test_what_is_known_is_not_run_again_when_uids_fell(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1, 2, 3)
        processor = desk.processor(rule())
        await processor.catch_up(mailbox)
        begin_again_below(mailbox)
        put(mailbox, 3, 4)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>", "<2@x>", "<3@x>", "<4@x>"]

    at_desk(tmp_path, steps)


def test_mail_that_was_adopted_is_left_when_uids_fall(tmp_path: Path) -> None:
    """Some servers count from the highest UID that is there: each time the newest is
    moved away, UIDs fall."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *range(40), age=timedelta(hours=2))
        processor = desk.processor(PASS_ON, adopt_existing=True)
        await processor.catch_up(mailbox)
        put(mailbox, 100)
        await processor.catch_up(mailbox)
        mailbox.uidnext = 41
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<100@x>"]

    at_desk(tmp_path, steps)


def test_a_uidnext_that_lies_changes_nothing_while_the_messages_are_there(
    tmp_path: Path,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1, 2, 3)
        processor = desk.processor(rule())
        await processor.catch_up(mailbox)
        mailbox.uidnext = 1
        mailbox.calls.clear()
        await processor.catch_up(mailbox)
        assert mailbox.told("headers") == []
        put(mailbox, 4)
        await processor.catch_up(mailbox)
        assert handled(desk)[3:] == ["<4@x>"]

    at_desk(tmp_path, steps)


def test_the_newest_messages_may_leave_without_consequence(tmp_path: Path) -> None:
    """Then UIDNEXT stays where it was."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1, 2, 3)
        processor = desk.processor(rule())
        await processor.catch_up(mailbox)
        mailbox.uidnext = 4
        mailbox.lose(3)
        mailbox.calls.clear()
        await processor.catch_up(mailbox)
        assert mailbox.told("headers") == []

    at_desk(tmp_path, steps)
