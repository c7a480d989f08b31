"""What a server's responses mean; a lie costs a `TemporaryError` and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.names import Names
from postroom.transport.imap.tokens import (
    Value,
    pairs,
    read,
    text,
    unique_number,
    words,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH) (.*)", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(rb"\[([^ \[\]]+)(?: ([^\]]*))?\]")
_COUNT = re.compile(rb"\* ([0-9]{1,10}) (EXISTS|EXPUNGE)", re.IGNORECASE)
_FETCH = re.compile(rb"\* [0-9]{1,10} FETCH \(", re.IGNORECASE)
_DATE = re.compile(
    r" ?(\d{1,2})-([A-Z][a-z]{2})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)",
    re.ASCII,
)
# Not strptime: its month names depend on the locale.
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
MONTHS += ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True)
class Code:
    """A response code (RFC 3501, section 7.1, and RFC 5530), its name in upper case."""

    name: str = ""
    arguments: bytes = b""


@dataclass(frozen=True)
class Listed:
    """One answer to LIST: the server's name, undecoded, and what it is."""

    name: bytes
    delimiter: str | None
    attributes: frozenset[str]

    @property
    def selectable(self) -> bool:
        """True if it is a mailbox and no mere level of the hierarchy."""
        return not self.attributes & {"\\noselect", "\\nonexistent"}


@dataclass(frozen=True)
class Copied:
    """What COPYUID tells (RFC 4315): UIDVALIDITY of the target, and UIDs there."""

    uidvalidity: int
    uids: dict[int, int]


def code_of(words_said: bytes) -> Code:
    """The response code that a status text begins with; nameless if there is none."""
    found = _CODE.match(words_said)
    if not found:
        return Code()
    return Code(found[1].decode("utf-8", "replace").upper(), found[2] or b"")


def status_codes(frames: Iterable[Frame]) -> Iterator[Code]:
    """The response codes of the untagged status responses."""
    for frame in frames:
        if found := _STATUS.fullmatch(frame[0]):
            yield code_of(found[1])


def count_of(frame: Frame) -> tuple[str, int] | None:
    """`EXISTS` or `EXPUNGE` and its number, if the response is one of these."""
    found = _COUNT.fullmatch(frame[0])
    return (found[2].decode().upper(), int(found[1])) if found else None


def fetched(frames: Iterable[Frame]) -> dict[int, dict[str, Value]]:
    """The items of each message by UID; what came without a UID was not asked for."""
    messages: dict[int, dict[str, Value]] = {}
    for frame in frames:
        if not _FETCH.match(frame[0]):
            continue
        values = read(frame)
        items = values[2] if len(values) == 3 else None
        if not isinstance(items, tuple):
            raise TemporaryError("the server sent what is not the data of a message")
        found = dict(pairs(items))
        if "UID" in found:
            messages.setdefault(unique_number(found["UID"]), {}).update(found)
    return messages


def searched(frames: Iterable[Frame]) -> set[int]:
    """The UIDs that SEARCH found."""
    return {
        unique_number(value) for values in _data(frames, b"SEARCH") for value in values
    }


def capabilities(frames: Iterable[Frame]) -> frozenset[str]:
    """What the server can do, in upper case."""
    announced = (words(values) for values in _data(frames, b"CAPABILITY"))
    return frozenset(text(word).upper() for word in chain.from_iterable(announced))


def listed(frames: Iterable[Frame]) -> list[Listed]:
    """The mailboxes of LIST, each once."""
    found: dict[bytes, Listed] = {}
    for values in _data(frames, b"LIST"):
        if len(values) < 3 or not isinstance(values[2], bytes):
            raise TemporaryError("the server sent what is not the name of a mailbox")
        attributes = frozenset(text(word).lower() for word in words(values[0]))
        found[values[2]] = Listed(values[2], text(values[1]) or None, attributes)
    return list(found.values())


def namespaces(frames: Iterable[Frame]) -> Names | None:
    """How mailboxes are named (RFC 2342), if the server tells."""
    for values in _data(frames, b"NAMESPACE"):
        kinds = [_prefixes(value) for value in values]
        if kinds and kinds[0]:
            prefix, delimiter = kinds[0][0]
            foreign = (name for kind in kinds[1:] for name, _ in kind if name)
            return Names(delimiter, prefix, tuple(foreign))
    return None


def copied(codes: Iterable[Code], asked: Iterable[int]) -> Copied | None:
    """What the COPYUID codes tell of the UIDs that were asked for; None without one."""
    told = None
    uids: dict[int, int] = {}
    wanted = set(asked)
    for code in codes:
        if code.name == "COPYUID":
            told, pairs_told = _copyuid(code.arguments, len(wanted))
            uids |= pairs_told
    if told is None:
        return None
    return Copied(told, {uid: uids[uid] for uid in wanted & uids.keys()})


def expand(uid_set: bytes, bound: int) -> list[int]:
    """The UIDs of a set, in its order; raises `TemporaryError` if there are more."""
    expanded: list[int] = []
    for item in uid_set.split(b","):
        first, colon, last = item.partition(b":")
        ends = sorted((unique_number(first), unique_number(last if colon else first)))
        if len(expanded) + ends[1] - ends[0] >= bound:
            raise TemporaryError(
                "the server tells of more messages than were asked for"
            )
        expanded.extend(range(ends[0], ends[1] + 1))
    return expanded


def internal_date(value: Value) -> datetime:
    """An INTERNALDATE in UTC; 1970 where it can't be read."""
    found = _DATE.fullmatch(text(value))
    if not found or found[2] not in MONTHS:
        return EPOCH
    day, year, hour, minute, second = map(int, found.group(1, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(-offset if found[7] == "-" else offset)
        month = MONTHS.index(found[2]) + 1
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return EPOCH


def _data(frames: Iterable[Frame], name: bytes) -> Iterator[tuple[Value, ...]]:
    """The values of each untagged response of this name."""
    start = b"* " + name
    for frame in frames:
        beginning = frame[0][: len(start) + 1].upper()
        if beginning in (start, start + b" "):
            yield read(frame)[1:]


def _prefixes(value: Value) -> list[tuple[str, str | None]]:
    spaces = value if isinstance(value, tuple) else ()
    return [
        (text(space[0]), text(space[1]) or None)
        for space in spaces
        if isinstance(space, tuple) and len(space) >= 2
    ]


def _copyuid(arguments: bytes, bound: int) -> tuple[int, dict[int, int]]:
    parts = arguments.split()
    if len(parts) != 3:
        raise TemporaryError("the server sent a COPYUID that can't be read")
    sources, targets = expand(parts[1], bound), expand(parts[2], bound)
    if len(sources) != len(targets):
        raise TemporaryError("the server sent a COPYUID that does not add up")
    return unique_number(parts[0]), dict(zip(sources, targets, strict=True))
