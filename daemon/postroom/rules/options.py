"""The types of option that conditions and actions share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from postroom.mail.addresses import is_address
from postroom.rules.text import AddressText, Text

_OCTETS = re.compile(r"(\d{1,12})\s*([KMG]?)\Z", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOST_RECIPIENTS = 20


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _read_octets(value: object) -> object:
    match = _OCTETS.match(value) if isinstance(value, str) else None
    if match:
        return int(match[1]) * _UNITS[match[2].upper()]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError('expected a number of octets, such as 4096, "500K" or "10M"')


def _read_mailbox(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError('expected the name of a mailbox, such as "Lists/python"')
    if _CONTROLS.search(value):
        raise ValueError("a mailbox name has no control characters")
    if "" in value.split("/"):
        raise ValueError("a part between the slashes is empty")
    if set(value) & {"{", "}"}:
        raise ValueError("braces are kept for placeholders, which are not there yet")
    return value


def _read_recipient(value: object) -> object:
    if isinstance(value, str) and is_address(value):
        return value
    raise ValueError(f'expected an address such as "ann@example.org", not {value!r}')


Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list), Field(min_length=1)]
AddressTexts = Annotated[
    tuple[AddressText, ...], BeforeValidator(_as_list), Field(min_length=1)
]
Octets = Annotated[int, BeforeValidator(_read_octets)]
MailboxName = Annotated[str, BeforeValidator(_read_mailbox)]
Recipients = Annotated[
    tuple[Annotated[str, BeforeValidator(_read_recipient)], ...],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=_MOST_RECIPIENTS),
]
