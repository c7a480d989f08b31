"""The types of option that conditions and actions share."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from postroom.mail.addresses import is_address
from postroom.rules.destinations import check_mailbox
from postroom.rules.text import AddressText, Text

_OCTETS = re.compile(r"(\d{1,12})\s*([KMG]?)\Z", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_DURATION = re.compile(r"(\d{1,6})\s*([smhdwy])\Z")
_LENGTHS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_SYSTEM_FLAGS = ("seen", "answered", "flagged", "deleted", "draft")
# What people call them, and what is right.
_NICKNAMES = {
    "read": '"seen"',
    "starred": '"flagged"',
    "replied": '"answered"',
    "unread": 'not.flag = "seen"',
    "unseen": 'not.flag = "seen"',
    "unflagged": 'not.flag = "flagged"',
}
# An atom (RFC 3501, section 9).
_KEYWORD = re.compile(r"[^\x00-\x20(){%*\"\\\]\x7f-\U0010ffff]+\Z")
_LONGEST_KEYWORD = 100
_MOST_RECIPIENTS = 20


def as_list(value: object) -> object:
    """What stands in a list, which may be one value without it."""
    return value if isinstance(value, (list, tuple)) else [value]


def _read_octets(value: object) -> object:
    match = _OCTETS.match(value) if isinstance(value, str) else None
    if match:
        return int(match[1]) * _UNITS[match[2].upper()]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError('expected a number of octets, such as 4096, "500K" or "10M"')


def read_duration(value: object) -> timedelta:
    """The length of a time as files write it; raises `ValueError`."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError('expected a time such as "30s", "5m", "12h", "14d" or "1y"')
    return int(match[1]) * _LENGTHS[match[2]]


def show_duration(duration: timedelta) -> str:
    """The time as a file writes it, in the largest unit that is exact."""
    seconds = round(duration.total_seconds())
    units = {u: round(length.total_seconds()) for u, length in _LENGTHS.items()}
    unit = next(u for u in "dhms" if seconds % units[u] == 0)
    return f"{seconds // units[unit]}{unit}"


def _check_period(value: timedelta) -> timedelta:
    # RFC 5230, section 4.1 has at least a day, and lets a server set the most.
    if not timedelta(days=1) <= value <= timedelta(days=60):
        raise ValueError("expected one day to sixty, such as 7d")
    return value


def _read_mailbox(value: str) -> str:
    if set(value) & {"{", "}"}:
        raise ValueError("braces stand for placeholders, and there are none here")
    return check_mailbox(value)


def _read_flag(value: object) -> object:
    """A system flag by its plain name (RFC 3501, section 2.3.2), or a keyword."""
    name = value.removeprefix("\\") if isinstance(value, str) else ""
    if name.lower() in _SYSTEM_FLAGS:
        return f"\\{name.capitalize()}"
    if right := _NICKNAMES.get(name.lower()):
        raise ValueError(f"there is no flag {name!r}; write {right}")
    if value != name or not _KEYWORD.match(name):
        known = ", ".join(_SYSTEM_FLAGS)
        raise ValueError(f"expected {known}, or a keyword such as $Work")
    return name


def _read_keyword(value: object) -> object:
    """A keyword, and no name that people have for a system flag."""
    if not isinstance(value, str):
        raise ValueError("expected a text in quotes")
    if value.lower().removeprefix("\\") in {*_SYSTEM_FLAGS, *_NICKNAMES}:
        raise ValueError(
            f"{value!r} is a mark that every mailbox has, and no label: see the "
            "actions mark, flag and unflag"
        )
    if not _KEYWORD.match(value) or len(value) > _LONGEST_KEYWORD:
        raise ValueError(
            "a label is a keyword of the server: one word in ASCII, without any of "
            '( ) { % * \\ ] ", such as urgent or $Work'
        )
    return value


def _read_recipient(value: object) -> object:
    if isinstance(value, str) and is_address(value):
        return value
    raise ValueError(f'expected an address such as "ann@example.org", not {value!r}')


Texts = Annotated[tuple[Text, ...], BeforeValidator(as_list), Field(min_length=1)]
AddressTexts = Annotated[
    tuple[AddressText, ...], BeforeValidator(as_list), Field(min_length=1)
]
FlagNames = Annotated[
    tuple[Annotated[str, BeforeValidator(_read_flag)], ...],
    BeforeValidator(as_list),
    Field(min_length=1),
]
Keyword = Annotated[str, BeforeValidator(_read_keyword, json_schema_input_type=str)]
Octets = Annotated[int, BeforeValidator(_read_octets)]
Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    PlainSerializer(show_duration, when_used="json"),
]
ReplyPeriod = Annotated[Duration, AfterValidator(_check_period)]
MailboxName = Annotated[str, AfterValidator(_read_mailbox)]
Recipients = Annotated[
    tuple[Annotated[str, BeforeValidator(_read_recipient)], ...],
    BeforeValidator(as_list),
    Field(min_length=1, max_length=_MOST_RECIPIENTS),
]
