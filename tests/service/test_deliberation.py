"""Deletes are aimed before they are committed: at Trash, or in Trash at nothing."""

from __future__ import annotations

from postroom.rules.effects import Delete
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Desk, rule


def test_a_deleted_message_is_moved_to_trash(at_desk: AtDesk) -> None:
    """Its watcher, if it has one, is told the target before anything is moved."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw())
        await desk.processor(rule(Delete())).catch_up(mailbox)
        assert mailbox.placed == {"Trash": [1, 2]}
        assert [kind for _, kind, _, _ in desk.effects()] == ["move", "move"]

    at_desk(steps)


def test_in_trash_it_is_removed_for_good_as_an_expunge(at_desk: AtDesk) -> None:
    """It is recorded as one, and so waits for everything else about the message."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.name = "Trash"
        mailbox.put(make_raw())
        await desk.processor(rule(Delete())).catch_up(mailbox)
        assert (mailbox.mail, mailbox.placed) == ({}, {})
        assert [kind for _, kind, _, _ in desk.effects()] == ["expunge"]

    at_desk(steps)
