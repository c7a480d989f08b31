"""Named points at which the program can be made to end: to prove that nothing is lost.

Invariant: without `failpoints = true` in the settings and a name in the environment
variable `POSTROOM_FAILPOINT`, `reach` does nothing, whatever the one of them says.
"""

from __future__ import annotations

import os
import re
import signal
from difflib import get_close_matches
from enum import Enum

from postroom.errors import ConfigError, Problem

VARIABLE = "POSTROOM_FAILPOINT"

_FORM = re.compile(r"(?P<name>\w+)(:(?P<count>[1-9][0-9]{0,8}))?(:(?P<end>exit|kill))?")
_EXIT_STATUS = 99


class Point(Enum):
    """A moment at which a crash leaves something to recover; what is known by then."""

    R1 = "a start has found which deliveries are unknown"
    C1 = "a mailbox was searched, and nothing of it is on record"
    C2 = "a message has come in part"
    C5 = "messages are on record as seen"
    C6 = "the rules are asked about a message"
    C7 = "plans and cursor are committed, and nothing is done"
    C8 = "an effect is on record as begun, and nothing was asked of the server"
    C9 = "a message was written to the relay, without its final dot"
    C10 = "the final dot is out, and there is no reply"
    C11 = "the relay has accepted, and that is on no record"
    C12 = "some of the recipients were refused, before the others are sent to"
    C13 = "something was saved as a file, and that is on no record"
    C15 = "a copy was made, on the way of a move by steps"
    C16 = "messages are marked as deleted, and not expunged"
    C17 = "a move was asked for, and there is no answer"
    C18 = "a change of flags was asked for, and there is no answer"
    C19 = "effects are done by the server's own word, and that is on no record"
    C20 = "effects are on record as done"
    W1 = "a delivery is on record as sending, and the final dot is not out"
    W2 = "a copy was asked for, and there is no answer"
    W3 = "an expunge was asked for, and there is no answer"
    W4 = "the result of a delivery is on record"
    P1 = "a maildrop was listed, and its unique-ids are on record"
    P2 = "a message of a maildrop has come in part"
    P3 = "messages of a maildrop are in the Maildir, and that is on no record"
    P6 = "removals were asked of a maildrop, without QUIT"
    P7 = "QUIT was sent, and there is no answer"
    P8 = "QUIT was answered, and that is on no record"


class _Armed:
    """A point, and how often it is still to be passed unharmed."""

    def __init__(self, point: Point, count: int, *, kills: bool) -> None:
        self._point = point
        self._left = count
        self._kills = kills

    def reached(self, point: Point) -> None:
        if point is not self._point:
            return
        self._left -= 1
        if self._left == 0:
            if self._kills:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(_EXIT_STATUS)


_armed: _Armed | None = None


def reach(point: Point) -> None:
    """End the process if it is armed for this point, and it is the time."""
    if _armed is not None:
        _armed.reached(point)


def arm(request: str, *, allowed: bool) -> str:
    """Arm for what is requested, such as `C7`, `C7:3` (at the third time) or
    `C7:exit`; why nothing was armed, if it was requested in vain.

    Raises `ConfigError` for what is no request.
    """
    global _armed
    _armed = None
    if not request:
        return ""
    if not allowed:
        return (
            f"{VARIABLE} is set, and has no effect: the settings do not say "
            "failpoints = true below [postroom]"
        )
    _armed = _read(request)
    return ""


def _read(request: str) -> _Armed:
    found = _FORM.fullmatch(request)
    if not found:
        message = f"expected a point, such as C7, C7:3 or C7:exit: {request!r}"
        raise ConfigError([Problem(VARIABLE, message)])
    name = found["name"]
    if name not in Point.__members__:
        near = get_close_matches(name.upper(), Point.__members__, n=1, cutoff=0.3)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise ConfigError([Problem(VARIABLE, f"there is no point {name!r}{hint}")])
    kills = found["end"] != "exit"
    return _Armed(Point[name], int(found["count"] or 1), kills=kills)
