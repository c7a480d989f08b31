"""What comes while a mailbox can't be read, or is not there, has arrived."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from postroom.ports import DeliveryState
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import Desk, rule
from tests.service.test_renumbered import PASS_ON, at_desk, handled, outbox, put


def test_what_comes_with_a_mailbox_that_was_absent_has_arrived(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(), adopt_existing=True)
        await processor.bookmark.note_unread("INBOX", absent=True)
        put(mailbox, 1)
        put(mailbox, 2, age=timedelta(days=30))
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>"]

    at_desk(tmp_path, steps)


def test_much_that_comes_with_a_mailbox_that_was_absent_goes_out(
    tmp_path: Path,
) -> None:
    """Nothing was there before that it could be."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(PASS_ON, adopt_existing=True)
        await processor.bookmark.note_unread("INBOX", absent=True)
        put(mailbox, *range(51))
        await processor.catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.QUEUED: 51}

    at_desk(tmp_path, steps)


def test_where_all_mail_is_handled_that_of_an_absent_mailbox_is_too(
    tmp_path: Path,
) -> None:
    """`existing = "process"`."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(), adopt_existing=False)
        await processor.bookmark.note_unread("INBOX", absent=True)
        put(mailbox, 1, age=timedelta(days=30))
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<1@x>"]

    at_desk(tmp_path, steps)


def test_what_was_there_before_a_mailbox_was_absent_is_left(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(), adopt_existing=True)
        await processor.bookmark.note_unread("INBOX", absent=True)
        put(mailbox, 1, age=timedelta(minutes=10))
        await processor.catch_up(mailbox)
        assert handled(desk) == []

    at_desk(tmp_path, steps)


def test_a_mailbox_that_goes_away_and_comes_back_is_read_on(tmp_path: Path) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        processor = desk.processor(rule(), adopt_existing=True)
        put(mailbox, 1)
        await processor.catch_up(mailbox)
        await processor.bookmark.note_unread("INBOX", absent=True)
        put(mailbox, 2)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<2@x>"]

    at_desk(tmp_path, steps)
