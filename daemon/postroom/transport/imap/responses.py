"""What a server's responses mean; a lie costs a `TemporaryError` and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain, islice

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.names import LONGEST, Names
from postroom.transport.imap.tokens import (
    Value,
    pairs,
    read,
    text,
    uidvalidity,
    unique_number,
    words,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH) (.*)", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(rb"\[([^ \[\]]+)(?: ([^\]]*))?\]")
_EXISTS = re.compile(rb"\* ([0-9]{1,10}) EXISTS", re.IGNORECASE)
_EXPUNGE = re.compile(rb"\* [0-9]{1,10} EXPUNGE", re.IGNORECASE)
_VANISHED = re.compile(rb"\* VANISHED ([0-9:,]+)", re.IGNORECASE)
_RANGE = re.compile(rb"([0-9]{1,10})(?::([0-9]{1,10}))?(?:,|\Z)")
_FETCH = re.compile(rb"\* ([0-9]{1,10}) FETCH \(", re.IGNORECASE)
# So many octets of a VANISHED are counted, and so many namespaces of others are known.
_COUNTED = 64 * 1024
_MOST_FOREIGN = 100
# More than any mailbox has.
_ALL = 2**32
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


def exists_of(frame: Frame) -> int | None:
    """How many messages there are, if the response is `EXISTS`."""
    found = _EXISTS.fullmatch(frame[0])
    return int(found[1]) if found else None


def removed_by(frame: Frame) -> int:
    """How many messages are gone by this response: EXPUNGE, or VANISHED (RFC 7162,
    section 3.2.10), which some send without being asked to. One that is too long to be
    counted stands for all: whatever is there next is news then."""
    if _EXPUNGE.fullmatch(frame[0]):
        return 1
    found = _VANISHED.fullmatch(frame[0])
    if not found:
        return 0
    if len(found[1]) > _COUNTED:
        return _ALL
    ends = ((int(one), int(other or one)) for one, other in _RANGE.findall(found[1]))
    return sum(abs(last - first) + 1 for first, last in ends)


def fetch_number(frame: Frame) -> int | None:
    """The sequence number that the response has data for, if it is `FETCH`."""
    found = _FETCH.match(frame[0])
    return int(found[1]) if found else None


def is_closed(frame: Frame) -> bool:
    """True if what follows is of another mailbox (RFC 7162, section 3.2.11)."""
    return any(code.name == "CLOSED" for code in status_codes([frame]))


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
    """The mailboxes of LIST, each once; without those that no command could name."""
    found: dict[bytes, Listed] = {}
    for values in _data(frames, b"LIST"):
        if len(values) < 3:
            raise TemporaryError("the server sent what is not the name of a mailbox")
        name = _mailbox(values[2])
        if len(name) <= LONGEST:
            attributes = frozenset(text(word).lower() for word in words(values[0]))
            found[name] = Listed(name, text(values[1]) or None, attributes)
    return list(found.values())


def statuses(frames: Iterable[Frame]) -> Iterator[tuple[bytes, dict[str, Value]]]:
    """What STATUS told of mailboxes: the server's name, and the items; without those
    that no command could name."""
    for values in _data(frames, b"STATUS"):
        if len(values) != 2:
            raise TemporaryError("the server sent what is not the status of a mailbox")
        name = _mailbox(values[0])
        items = values[1] if isinstance(values[1], tuple) else ()
        if len(name) <= LONGEST:
            yield name, dict(pairs(items))


def namespaces(frames: Iterable[Frame]) -> Names | None:
    """How mailboxes are named (RFC 2342), if the server tells."""
    for values in _data(frames, b"NAMESPACE"):
        kinds = [_prefixes(value) for value in values]
        if kinds and kinds[0]:
            prefix, delimiter = kinds[0][0]
            others = (name for kind in kinds[1:] for name, _ in kind)
            # Some servers announce what is the user's own as shared, too.
            foreign = (name for name in others if name and name != prefix)
            return Names(delimiter, prefix, tuple(islice(foreign, _MOST_FOREIGN)))
    return None


def copied(codes: Iterable[Code], asked: Iterable[int]) -> Copied | None:
    """What the COPYUID codes tell of the UIDs that were asked for; None without one, or
    where one can't be read: the messages are copied nevertheless."""
    wanted = set(asked)
    try:
        told, uids = _copyuids(codes, len(wanted))
    except TemporaryError:
        return None
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


def _mailbox(value: Value) -> bytes:
    """The server's name of a mailbox; some write NIL for one that is called so."""
    if isinstance(value, tuple):
        raise TemporaryError("the server sent what is not the name of a mailbox")
    return b"NIL" if value is None else value


def _prefixes(value: Value) -> list[tuple[str, str | None]]:
    spaces = value if isinstance(value, tuple) else ()
    return [
        (text(space[0]), text(space[1]) or None)
        for space in spaces
        if isinstance(space, tuple) and len(space) >= 2 and _is_short(space[0])
    ]


def _is_short(prefix: Value) -> bool:
    return not isinstance(prefix, bytes) or len(prefix) <= LONGEST


def _copyuids(codes: Iterable[Code], bound: int) -> tuple[int | None, dict[int, int]]:
    """All that the codes tell; raises `TemporaryError` if it is more than everything
    twice, as some tell it once untagged and once tagged."""
    told = None
    uids: dict[int, int] = {}
    room = 2 * bound
    for code in codes:
        if code.name == "COPYUID":
            told, pairs_told = _copyuid(code.arguments, min(bound, room))
            room -= len(pairs_told)
            uids |= pairs_told
    return told, uids


def _copyuid(arguments: bytes, bound: int) -> tuple[int, dict[int, int]]:
    parts = arguments.split()
    if len(parts) != 3:
        raise TemporaryError("the server sent a COPYUID that can't be read")
    sources, targets = expand(parts[1], bound), expand(parts[2], bound)
    if len(sources) != len(targets):
        raise TemporaryError("the server sent a COPYUID that does not add up")
    return uidvalidity(parts[0]), dict(zip(sources, targets, strict=True))
