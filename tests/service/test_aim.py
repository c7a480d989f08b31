"""Targets are on record as the mailboxes they are on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from postroom.errors import PermanentError
from postroom.rules.effects import Copy, Delete, Effect, FileInto
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import open_desk, rule


def handle(
    folder: Path, mailbox: MemoryMailbox, *effects: Effect
) -> Sequence[str | None]:
    """Have these effects on a message; the targets that the store has on record."""

    async def run() -> list[str | None]:
        mailbox.put(make_raw())
        async with open_desk(folder) as desk:
            await desk.processor(rule(*effects)).catch_up(mailbox)
            return desk.targets()

    return asyncio.run(run())


def test_a_target_is_the_mailbox_that_the_name_means_there(tmp_path: Path) -> None:
    mailbox = MemoryMailbox(called={"Junk": "[Gmail]/Spam"})
    targets = handle(tmp_path, mailbox, Copy("Mine"), FileInto("Junk"))
    assert targets == ["Mine", "[Gmail]/Spam"]
    assert mailbox.placed == {"Mine": [1], "[Gmail]/Spam": [1]}


def test_a_delete_is_a_move_to_trash(tmp_path: Path) -> None:
    assert handle(tmp_path, MemoryMailbox(), Delete()) == ["Trash"]


def test_without_targets_the_server_is_not_asked(tmp_path: Path) -> None:
    class Asked(MemoryMailbox):
        async def meant_by(self, names: object) -> dict[str, str]:
            raise AssertionError(f"{names} were asked for")

    assert handle(tmp_path, Asked(), Delete(forever=True)) == [None]


def test_where_no_trash_can_be_named_a_delete_is_held_and_nothing_else(
    tmp_path: Path,
) -> None:
    class Without(MemoryMailbox):
        async def trash_name(self) -> str:
            raise PermanentError("two mailboxes look like it")

    mailbox = Without(called={"Junk": "Spam"})
    assert handle(tmp_path, mailbox, Copy("Junk"), Delete()) == ["Spam", None]
    assert mailbox.placed == {"Spam": [1]}
    assert list(mailbox.mail) == [1]
