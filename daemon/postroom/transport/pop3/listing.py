"""What a maildrop holds: by number, with sizes and unique-ids as far as they tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from postroom.errors import TemporaryError
from postroom.ports import Listed
from postroom.transport.pop3.dialogue import Dialogue
from postroom.transport.pop3.failures import failure, is_trouble
from postroom.transport.pop3.statuses import Status

MOST_MESSAGES = 1_000_000
MOST_OCTETS = 100 * 1024 * 1024

# RFC 1939, section 5: behind the size there may be more.
_SCAN = re.compile(rb"([0-9]{1,9}) +([0-9]{1,13})(?: .*)?")
# RFC 1939, section 7, allows 70 characters; servers that hash have given more.
_UNIQUE = re.compile(rb"([0-9]{1,9}) +([\x21-\x7e]{1,1000}) *")


async def ask_listing(dialogue: Dialogue, *, pipelining: bool) -> list[Listed]:
    """What the maildrop holds, in one round trip if the server takes two commands at a
    time. A server that refuses UIDL without being in trouble has none, whatever it says
    that it can do."""
    if pipelining:
        dialogue.begin()
        dialogue.wire.send(b"LIST", b"UIDL")
        scans = await dialogue.long(MOST_OCTETS)
        uniques = await dialogue.long(MOST_OCTETS)
    else:
        scans = await dialogue.ask_long(b"LIST", MOST_OCTETS)
        uniques = await dialogue.ask_long(b"UIDL", MOST_OCTETS)
    _require("LIST", scans[0])
    if is_trouble(uniques[0]):
        _require("UIDL", uniques[0])
    try:
        return listed(scans[1], uniques[1])
    except TemporaryError as error:
        raise dialogue.wire.fail(str(error)) from error


def listed(scans: bytes, uniques: bytes) -> list[Listed]:
    """The messages of an answer to LIST, ascending, with the unique-ids of one to UIDL.

    Raises `TemporaryError` if LIST makes no sense: nothing can be asked for then. What
    UIDL says of a message and makes no sense counts as not said.
    """
    sizes = _sizes(scans)
    uidls = _telling(_uidls(uniques), len(sizes))
    return [Listed(number, sizes[number], uidls.get(number, "")) for number in sizes]


def _require(command: str, status: Status) -> None:
    if not status.ok:
        raise failure(command, status)


def _sizes(scans: bytes) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for line in _lines(scans):
        match = _SCAN.fullmatch(line)
        number = int(match[1]) if match else 0
        if match is None or number == 0 or number in sizes:
            raise TemporaryError(f"this is no list of messages: {line[:40]!r}")
        sizes[number] = int(match[2])
    return dict(sorted(sizes.items()))


def _uidls(uniques: bytes) -> dict[int, str]:
    """The unique-id of each message of which one is told, and no other one."""
    found: dict[int, str] = {}
    for line in _lines(uniques):
        match = _UNIQUE.fullmatch(line)
        if match is not None:
            number, uidl = int(match[1]), match[2].decode("ascii")
            found[number] = uidl if found.get(number, uidl) == uidl else ""
    return found


def _telling(uidls: Mapping[int, str], messages: int) -> dict[int, str]:
    """Those that tell a message from all others, also in the next session."""
    counts = Counter(uidls.values())
    merely_numbers = all(uidl == str(number) for number, uidl in uidls.items())
    if merely_numbers and len(uidls) >= messages:
        return {}
    return {number: uidl for number, uidl in uidls.items() if counts[uidl] == 1}


def _lines(answer: bytes) -> list[bytes]:
    lines = answer.split(b"\r\n")[:-1]
    if len(lines) > MOST_MESSAGES:
        raise TemporaryError(f"it lists more than {MOST_MESSAGES:,} messages")
    return lines
