"""How far the handling of a message came that was put aside.

Invariant: whatever keeps a message from being read is told with one of these reasons.
"""

from __future__ import annotations

from enum import StrEnum

NO_HEADER_ANEW = "the server did not give its header when it numbered its messages anew"
NOT_GIVEN = "the server does not give it"
NO_BODY = "the server does not give its body"
NOT_FETCHED = "it can't be fetched"  # and why

# What was begun so often and never ended: it is what ended the process.
MOST_BEGINNINGS = 3
FATAL = f"it was begun {MOST_BEGINNINGS} times and never ended"

_UNREAD = (NO_HEADER_ANEW, NOT_GIVEN, NO_BODY, NOT_FETCHED)


class Stage(StrEnum):
    """Where the handling of a message stopped, and the only names for it."""

    READING = "reading"
    DECIDING = "deciding"
    MARKING = "marking"
    COPYING = "copying"
    MOVING = "moving"
    DELETING = "deleting"
    PERFORMING = "performing"


def stage_of(reason: str) -> Stage:
    """The stage at which a message that is not decided was left for this reason."""
    return Stage.READING if reason.startswith(_UNREAD) else Stage.DECIDING
