"""Addresses: reading a stranger's, and telling which are fit for an envelope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from postroom.mail import limits
from postroom.mail.charset import one_line
from postroom.mail.composed import compose
from postroom.mail.encodedword import decode_words
from postroom.mail.tokens import read_tokens

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*@{_LABEL}(?:\.{_LABEL})*\Z")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """One mailbox of an address field: a decoded display name, and `local@domain`."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What follows the last `@`, in lower case; empty where there is none."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


def is_address(text: str) -> bool:
    """True if it is a plain ASCII `local@domain` that may stand in an envelope.

    Quoted local parts and address literals are not accepted (RFC 5321, section 4.1.2
    allows them; no one is reached only by them). Lengths are those of its section
    4.5.3.1.
    """
    short = len(text) <= 254 and len(text.partition("@")[0]) <= 64
    return short and _ADDRESS.match(text) is not None


def without_tag(address: str) -> str:
    """The address in lower case, without a sub-address (RFC 5233): what two spellings
    of one mailbox have in common."""
    local_part, at, domain = address.lower().rpartition("@")
    return f"{local_part.partition('+')[0] or local_part}{at}{domain}"


def parse_addresses(*values: str) -> tuple[Address, ...]:
    """The mailboxes of address fields (RFC 5322, section 3.4), groups opened.

    Linear and never raises: what is no address is left out, and so is what is beyond
    the limits, which hold for all the values together.
    """
    steps = iter(range(limits.ADDRESS_TOKENS))
    found = (_read(words) for value in values for words in _split(value, steps))
    kept = (address for address in found if "@" in address.address)
    return tuple(islice(kept, limits.ADDRESSES))


@dataclass
class _Words:
    """The words of one mailbox: outside of angle brackets, and inside them."""

    outside: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    angled: bool = False


def _split(value: str, steps: Iterator[int]) -> Iterator[_Words]:
    words, angle = _Words(), False
    for _, token in zip(steps, read_tokens(value), strict=False):
        if angle and token != ">":
            words.inside.append(token)
        elif token == "<":
            words.angled = angle = True
        elif token == ">":
            angle = False
        elif token in (",", ";"):
            yield words
            words = _Words()
        elif token == ":":
            words = _Words()  # the name of a group
        else:
            words.outside.append(token)
    yield words


def _read(words: _Words) -> Address:
    outside = one_line(decode_words("".join(map(_unquote, words.outside))))
    if not words.angled:
        bare = "".join("".join(words.outside).split())
        return Address("", bare)
    # RFC 5322, section 4.4: a route before the address is read and forgotten.
    inside = "".join(words.inside).rpartition(":")[2]
    name = compose(" ".join(outside.split()))
    return Address(name, one_line(inside).replace(" ", ""))


def _unquote(token: str) -> str:
    if not token.startswith('"'):
        return token
    return _QUOTED_PAIR.sub(r"\1", token.strip('"'))
