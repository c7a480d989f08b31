"""Messages and their headers, read as they come; removals are commanded here, too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass

from postroom.errors import TemporaryError
from postroom.ports import Listed
from postroom.transport.pop3.dialogue import Dialogue, Pipeline

# What servers count as one octet may come as two: the end of a line.
_EXPANSION = 2
_SLACK = 64 * 1024
_MOST_OF_A_HEADER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets of a message, in the order in which they came; `refusal` says why there
    are none, and is empty where there are."""

    number: int
    octets: bytes
    is_last: bool
    refusal: str = ""


class Endless(TemporaryError):
    """The message of this number is far longer than the server has said; the connection
    is gone for good."""

    def __init__(self, message: str, number: int) -> None:
        self.number = number
        super().__init__(message)


async def retrieve(
    dialogue: Dialogue, messages: Sequence[Listed], window: int
) -> AsyncGenerator[Piece, None]:
    """Each message in pieces, so many of them asked for at a time."""
    commands = [b"RETR %d" % each.number for each in messages]
    dialogue.begin()
    pipeline = Pipeline(dialogue.wire, commands, window)
    for each in messages:
        pipeline.advance()
        patience = dialogue.patience()
        status = await dialogue.opening(patience)
        is_last = not status.ok
        if is_last:
            dialogue.wire.answered()
            yield Piece(each.number, b"", True, status.text)
        room = each.size * _EXPANSION + _SLACK
        while not is_last:
            octets, is_last = await dialogue.wire.piece(patience)
            room -= len(octets)
            if room < 0:
                raise _endless(dialogue, each)
            if is_last:
                dialogue.wire.answered()
            yield Piece(each.number, octets, is_last)


async def headers(
    dialogue: Dialogue, numbers: Sequence[int], window: int
) -> dict[int, bytes]:
    """The header of each message (TOP), by number; refused ones are left out."""
    found: dict[int, bytes] = {}
    dialogue.begin()
    commands = [b"TOP %d 0" % number for number in numbers]
    pipeline = Pipeline(dialogue.wire, commands, window)
    for number in numbers:
        pipeline.advance()
        status, octets = await dialogue.long(_MOST_OF_A_HEADER)
        if status.ok:
            found[number] = octets
    return found


async def remove(
    dialogue: Dialogue, numbers: Collection[int], window: int
) -> frozenset[int]:
    """Have messages removed at the QUIT; those for which the server has agreed."""
    removed: set[int] = set()
    dialogue.begin()
    commands = [b"DELE %d" % number for number in numbers]
    pipeline = Pipeline(dialogue.wire, commands, window)
    for number in numbers:
        pipeline.advance()
        if (await dialogue.short(dialogue.timings.command)).ok:
            removed.add(number)
    return frozenset(removed)


def _endless(dialogue: Dialogue, message: Listed) -> Endless:
    reason = f"message {message.number} is far longer than {message.size} octets"
    return Endless(str(dialogue.wire.fail(reason)), message.number)
