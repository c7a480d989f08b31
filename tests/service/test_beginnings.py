"""Where reading begins: mail that was there before, and UIDs that are void."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.mail.message import Message
from postroom.rules.effects import Copy, FileInto, SetFlags
from postroom.service.events import MessageHandled
from tests.builders import make_raw
from tests.service.mailbox import NOON, Mail, MemoryMailbox
from tests.service.processing import Desk, open_desk, rule

FLAG = rule(SetFlags(add=frozenset({"\\Flagged"})))
AtDesk = Callable[[Callable[[Desk, MemoryMailbox], Awaitable[None]]], None]


@pytest.fixture
def at_desk(tmp_path: Path) -> AtDesk:
    """Takes steps at a desk, with a mailbox of three messages."""

    def take(steps: Callable[[Desk, MemoryMailbox], Awaitable[None]]) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), open_desk(tmp_path) as desk:
                mailbox = MemoryMailbox()
                for number in (1, 2, 3):
                    mailbox.put(make_raw(message_id=f"<{number}@x>"))
                await steps(desk, mailbox)

        asyncio.run(run())

    return take


def handled(desk: Desk) -> list[str]:
    """The Message-IDs of what was handled, in order."""
    return [event.message.message_id for event in desk.told(MessageHandled)]


# -- mail that was there before --------------------------------------------------------


def test_mail_that_was_there_before_is_left_alone(at_desk: AtDesk) -> None:
    """`existing = "leave"`: not even its headers are looked at."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(FLAG, adopt_existing=True)
        await processor.catch_up(mailbox)
        assert mailbox.told("headers") == []
        assert await desk.cursor() == (7, 3)
        mailbox.put(make_raw(message_id="<4@x>"))
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<4@x>"]

    at_desk(steps)


@pytest.mark.parametrize("year", [1970, 2099])
def test_the_time_of_a_message_makes_it_neither_old_nor_new(
    at_desk: AtDesk, year: int
) -> None:
    """A server whose clock is wrong gives any time (INTERNALDATE) it likes."""
    wrong = datetime(year, 1, 1, tzinfo=UTC)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(message_id="<4@x>"), received=wrong)
        processor = desk.processor(FLAG, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.put(make_raw(message_id="<5@x>"), received=wrong)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<5@x>"]

    at_desk(steps)


def test_a_message_id_that_a_stranger_used_before_suppresses_no_mail(
    at_desk: AtDesk,
) -> None:
    """Not even where the stranger's message is as long as the one to come."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(FileInto("A")))
        for body in ("spam!\r\n", "bill.\r\n"):
            mailbox.put(make_raw(body, message_id="<known@x>"))
            await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 2, 3, 4, 5]}

    at_desk(steps)


def test_mail_that_was_there_before_is_processed_if_so_wished(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.processor(FLAG, adopt_existing=False).catch_up(mailbox)
        assert handled(desk) == ["<1@x>", "<2@x>", "<3@x>"]

    at_desk(steps)


def test_an_empty_mailbox_is_adopted_too(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, _: MemoryMailbox) -> None:
        mailbox = MemoryMailbox()
        processor = desk.processor(FLAG, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.put(make_raw(message_id="<1@x>"))
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>"]

    at_desk(steps)


def test_a_look_that_finds_nothing_new_is_noted(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(FLAG)
        await processor.catch_up(mailbox)
        desk.clock.ahead = timedelta(hours=5)
        await processor.catch_up(mailbox)
        cursor = await desk.store.cursor("home", "INBOX")
        assert cursor is not None
        assert cursor.checked == NOON + timedelta(hours=5)

    at_desk(steps)


# -- UIDs that are void ----------------------------------------------------------------


def test_after_a_reset_of_uids_what_is_known_is_not_run_again(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(Copy("A")))
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        mailbox.put(make_raw(message_id="<4@x>"), received=NOON)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>", "<2@x>", "<3@x>", "<4@x>"]
        assert mailbox.placed == {"A": [1, 2, 3, 104]}
        assert await desk.cursor() == (8, 104)
        assert desk.states(8) == {104: "acknowledged"}

    at_desk(steps)


def test_after_a_reset_of_uids_what_is_old_is_left_though_unknown(
    at_desk: AtDesk,
) -> None:
    """It was there before postroom was: it was adopted, and has no row."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        for mail in mailbox.mail.values():
            mail.received = NOON - timedelta(days=30)
        processor = desk.processor(FLAG, adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        mailbox.put(make_raw(message_id="<4@x>"), received=NOON + timedelta(hours=1))
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<4@x>"]

    at_desk(steps)


def test_after_a_reset_of_uids_reading_goes_on_as_before(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(FLAG)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        await processor.catch_up(mailbox)
        mailbox.put(make_raw(message_id="<4@x>"))
        mailbox.calls.clear()
        await processor.catch_up(mailbox)
        assert handled(desk)[3:] == ["<4@x>"]
        assert [call.uids for call in mailbox.told("headers")] == [(104,)]

    at_desk(steps)


def test_a_reset_of_uids_that_is_broken_off_begins_again(at_desk: AtDesk) -> None:
    """What was decided before the break is not run again, the rest is not lost."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(Copy("A"), body=lambda m: True))
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        for number in (4, 5):
            mailbox.put(make_raw(message_id=f"<{number}@x>"), received=NOON)
        mailbox.failures["headers"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        assert await desk.cursor() == (7, 3)
        mailbox.failures["contents"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        assert await desk.cursor() == (8, 105)
        mailbox.failures["copy"] = TemporaryError("cut")
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        await processor.catch_up(mailbox)
        assert handled(desk)[3:] == ["<4@x>", "<5@x>"]
        assert mailbox.placed == {"A": [1, 2, 3, 104, 105]}
        assert await desk.cursor() == (8, 105)

    at_desk(steps)


def test_what_a_rule_could_not_decide_after_a_reset_is_tried_again(
    at_desk: AtDesk,
) -> None:
    good = False

    def ask(message: Message) -> bool:
        if message.message_id == "<4@x>" and not good:
            raise ZeroDivisionError
        return True

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        nonlocal good
        processor = desk.processor(rule(Copy("A"), header=ask))
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        mailbox.put(make_raw(message_id="<4@x>"), received=NOON)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 2, 3]}
        good = True
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 2, 3, 104]}

    at_desk(steps)


def test_a_message_that_comes_during_a_reset_is_read_once(at_desk: AtDesk) -> None:
    """It is above the highest UID that was asked for first."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(Copy("A")))
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        late = Mail(make_raw(message_id="<late@x>"), NOON)
        mailbox.before["search"] = lambda: mailbox.mail.update({200: late})
        await processor.catch_up(mailbox)
        assert handled(desk)[3:] == ["<late@x>"]
        assert await desk.cursor() == (8, 200)

    at_desk(steps)
