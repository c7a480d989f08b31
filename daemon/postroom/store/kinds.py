"""Words that the store has for itself, beside the states."""

from __future__ import annotations

from enum import StrEnum


class RunMode(StrEnum):
    """Why rules were run, and the only names for it."""

    LIVE = "live"
    SWEEP = "sweep"
    UNDO = "undo"


class EffectKind(StrEnum):
    """What an effect does, as the store names it."""

    FLAGS = "flags"
    COPY = "copy"
    SEND = "send"
    PERFORM = "perform"
    MOVE = "move"
    TRASH = "trash"
    EXPUNGE = "expunge"


# Those that put a message into a mailbox, those that take it out of one, and all that
# are done in a mailbox. TRASH is none of them: it is held until a mailbox is named.
PLACING = (EffectKind.COPY, EffectKind.MOVE)
LEAVING = (EffectKind.MOVE, EffectKind.EXPUNGE)
IN_MAILBOX = (EffectKind.FLAGS, *PLACING, EffectKind.EXPUNGE)
