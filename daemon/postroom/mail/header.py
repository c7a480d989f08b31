"""The header of a message, read within limits and without ever raising."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from postroom.mail import limits
from postroom.mail.addresses import Address, parse_addresses
from postroom.mail.charset import decode, one_line
from postroom.mail.composed import compose
from postroom.mail.encodedword import decode_words
from postroom.mail.parameters import read_media_type

# What begins with a plain octet is searched for many times as fast.
_BLANK_LINE = re.compile(rb"\n\r?\n")
_BLANK_BEGINNING = re.compile(rb"\r?\n")
_FIELD = re.compile(
    rb"^([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE
)
_FOLD = re.compile(r"\r?\n(?=[ \t])")


def find_blank_line(raw: bytes, limit: int | None = None) -> re.Match[bytes] | None:
    """What is between header and body, looked for in the first `limit` octets."""
    room = len(raw) if limit is None else limit
    return _BLANK_BEGINNING.match(raw) or _BLANK_LINE.search(raw, 0, room)


@dataclass(frozen=True)
class Field:
    """One field as it stands in the header: its name, the octets after the colon."""

    name: str
    octets: bytes = field(repr=False)

    @cached_property
    def raw_text(self) -> str:
        """The value unfolded, its encoded words as they are, on one line."""
        return one_line(_FOLD.sub("", decode(self.octets)))

    @cached_property
    def text(self) -> str:
        """The value unfolded and decoded, on one line, accents in one form (NFC)."""
        return compose(one_line(decode_words(_FOLD.sub("", decode(self.octets)))))


@dataclass(frozen=True)
class Header:
    """The fields of a header in their order; `cut` says what was beyond the limits."""

    fields: tuple[Field, ...] = ()
    cut: str = ""
    _addresses: dict[tuple[str, ...], tuple[Address, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _shown: dict[tuple[str, ...], str] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def parse(cls, raw: bytes) -> Header:
        """Read the header of a message, of which `raw` holds at least that."""
        end = find_blank_line(raw, limits.HEADER_OCTETS)
        block = raw[: end.start() if end else limits.HEADER_OCTETS]
        found = tuple(_read_fields(block))
        return cls(found[: limits.FIELDS], _tell_cut(raw, end is None, found))

    @cached_property
    def _by_name(self) -> dict[str, list[Field]]:
        index: dict[str, list[Field]] = {}
        for entry in self.fields:
            index.setdefault(entry.name.lower(), []).append(entry)
        return index

    def all(self, name: str) -> list[Field]:
        """Every field of this name, caseless, in order."""
        return self._by_name.get(name.lower(), [])

    def has(self, name: str) -> bool:
        """True if there is a field of this name."""
        return name.lower() in self._by_name

    def text(self, name: str) -> str:
        """The decoded value of the first field of this name; empty if there is none."""
        found = self.all(name)
        return found[0].text if found else ""

    def raw_text(self, name: str) -> str:
        """The value of the first field of this name, encoded words left as they are."""
        found = self.all(name)
        return found[0].raw_text if found else ""

    def addresses(self, *names: str) -> tuple[Address, ...]:
        """The addresses of every field of these names, one name after the other; of
        each as many as the limits allow. They are read once."""
        found = self._addresses.get(names)
        if found is None:
            found = self._addresses[names] = tuple(
                address for name in names for address in self._read_addresses(name)
            )
        return found

    def show_addresses(self, *names: str) -> str:
        """The same as a person writes them, on one line."""
        shown = self._shown.get(names)
        if shown is None:
            written = map(_show_address, self.addresses(*names))
            shown = self._shown[names] = ", ".join(written)
        return shown

    def _read_addresses(self, name: str) -> tuple[Address, ...]:
        return parse_addresses(*(entry.raw_text for entry in self.all(name)))

    @cached_property
    def media_types(self) -> tuple[str, ...]:
        """The media type of every Content-Type, of which there should be one."""
        values = (entry.raw_text for entry in self.all("Content-Type"))
        return tuple(read_media_type(value) for value in values)


def _show_address(address: Address) -> str:
    if address.name:
        return f"{address.name} <{address.address}>"
    return address.address


def _read_fields(block: bytes) -> Iterator[Field]:
    for match in islice(_FIELD.finditer(block), limits.FIELDS + 1):
        octets = match[2][: limits.FIELD_OCTETS]
        yield Field(match[1].decode("ascii"), octets)


def _tell_cut(raw: bytes, endless: bool, found: tuple[Field, ...]) -> str:
    if endless and len(raw) > limits.HEADER_OCTETS:
        return f"the header is longer than {limits.HEADER_OCTETS} octets"
    if len(found) > limits.FIELDS:
        return f"the header has more than {limits.FIELDS} fields"
    long = next((f.name for f in found if len(f.octets) == limits.FIELD_OCTETS), None)
    return f"{long} is longer than {limits.FIELD_OCTETS} octets" if long else ""
