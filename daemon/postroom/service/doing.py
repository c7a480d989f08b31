"""One command of a mailbox for equal effects on many messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postroom.errors import PermanentError
from postroom.ports import Mailbox, Placement
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
    tell,
)


async def command(
    mailbox: Mailbox, effect: Effect, uids: Sequence[int]
) -> Mapping[int, Placement | None]:
    """One command for all of them; which were there, and where they went."""
    match effect:
        case SetFlags():
            return dict.fromkeys(await mailbox.set_flags(uids, effect))
        case Copy(target):
            return await mailbox.copy(uids, target)
        case FileInto(target):
            return await mailbox.move(uids, target)
        case Delete(forever=True):
            return dict.fromkeys(await mailbox.expunge(uids))
        case Delete():
            # What goes to Trash is a move by now: this one was never aimed.
            raise PermanentError("nothing says where the message is to go")
        case Send() | Perform():
            raise AssertionError(f"no effect on a mailbox: {tell(effect)}")
