"""A server's reader of commands that forgives nothing, written from the grammar.

It knows nothing of the client's code: what it reads is what any server would read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# RFC 3501, section 9: a section, a set of numbers, an atom or flag.
_WORD = re.compile(
    rb"BODY(?:\.PEEK)?\[[A-Z.]*\](?:<[0-9.]+>)?"
    rb"|[0-9:,*]+(?![^ )])"
    rb"|\\?[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+"
)
_QUOTED = re.compile(
    rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"'
)
_ANNOUNCED = re.compile(rb"\{(0|[1-9][0-9]{0,8})\}\Z")
_TAG = re.compile(rb"[A-Za-z0-9]+\Z")
_VERB = re.compile(rb"[A-Z]+\Z")


class Offence(AssertionError):
    """The client sent what is no command."""


@dataclass(frozen=True)
class Text:
    """A string, quoted or literal: no server takes it for a word."""

    octets: bytes


# A word, a string or a list.
Argument = bytes | Text | tuple["Argument", ...]


@dataclass(frozen=True)
class Asked:
    """One command as it was understood; `verb` has the `UID` before it."""

    tag: bytes
    verb: str
    arguments: tuple[Argument, ...] = ()


@dataclass
class Reader:
    """Takes the octets of a client and gives its commands, or raises `Offence`.

    Where a literal is announced `waits` is True, and no octet may come until
    `go_on` was called, as the server's `+` is what allows them.
    """

    waits: bool = False
    idling: bool = False
    _parts: list[bytes] = field(default_factory=list)
    _buffer: bytes = b""
    _literal: int | None = None

    def go_on(self) -> None:
        """Allow the literal that was announced."""
        self.waits = False

    def give_up(self) -> None:
        """Forget the command that is under way: the server has answered it already."""
        self.waits = self.idling = False
        self._literal = None
        self._parts.clear()

    @property
    def tag(self) -> bytes:
        """The tag of the command that is not complete; empty if there is none."""
        return self._parts[0].partition(b" ")[0] if self._parts else b""

    def take(self, octets: bytes) -> Iterator[Asked]:
        """The commands that these octets complete."""
        if self.waits:
            raise Offence(f"{octets!r} came before the literal was asked for")
        self._buffer += octets
        while (part := self._next()) is not None:
            self._parts.append(part)
            if self._literal is not None:
                self._literal = None
            elif announced := _ANNOUNCED.search(part):
                self._literal = int(announced[1])
                self.waits = True
                if self._buffer:
                    raise Offence("a literal came before it was asked for")
            else:
                parts, self._parts = self._parts, []
                yield self._command(parts)

    def _next(self) -> bytes | None:
        if self._literal is not None:
            if self.waits or len(self._buffer) < self._literal:
                return None
            part, self._buffer = _cut(self._buffer, self._literal)
            return part
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return None
        self._buffer = rest
        if re.search(rb"[\r\n\x00\x80-\xff]", line):
            raise Offence(f"{line!r} can't be in a line")
        return line

    def _command(self, parts: list[bytes]) -> Asked:
        if self.idling:
            if parts != [b"DONE"]:
                raise Offence(f"{parts} came in IDLE")
            self.idling = False
            return Asked(b"", "DONE")
        tag, _, rest = parts[0].partition(b" ")
        verb, space, rest = rest.partition(b" ")
        if verb == b"UID":
            uid_verb, space, rest = rest.partition(b" ")
            verb += uid_verb and b" " + uid_verb
        if not _TAG.match(tag) or not all(map(_VERB.match, verb.split(b" "))):
            raise Offence(f"{parts[0]!r} is no command")
        arguments = _arguments([rest, *parts[1:]]) if space else ()
        self.idling = verb == b"IDLE"
        return Asked(tag, verb.decode(), arguments)


def _cut(octets: bytes, size: int) -> tuple[bytes, bytes]:
    return octets[:size], octets[size:]


def _arguments(parts: list[bytes]) -> tuple[Argument, ...]:
    """Arguments with single spaces between them; `parts` are lines and literals."""
    lists: list[list[Argument]] = [[]]
    expected = "first"  # or "more" after an argument, "another" after a space
    for kind, value in _tokens(parts):
        if kind == "space" or kind == "close":
            if expected == "another" or (expected == "first" and kind == "space"):
                raise Offence(f"{parts} has a space too much")
            if kind == "close":
                if len(lists) == 1:
                    raise Offence(f"{parts} closes what is not open")
                closed = tuple(lists.pop())
                lists[-1].append(closed)
            expected = "another" if kind == "space" else "more"
            continue
        if expected == "more":
            raise Offence(f"{parts} lacks a space")
        if kind == "open":
            lists.append([])
            expected = "first"
        else:
            lists[-1].append(value)
            expected = "more"
    if len(lists) > 1 or expected != "more":
        raise Offence(f"{parts} is not complete")
    return tuple(lists[0])


def _tokens(parts: list[bytes]) -> Iterator[tuple[str, Argument]]:
    for line, literal in zip(parts[::2], [*parts[1::2], None], strict=True):
        yield from _line_tokens(line, literal)


def _line_tokens(line: bytes, literal: bytes | None) -> Iterator[tuple[str, Argument]]:
    position = 0
    while position < len(line):
        if kind := {32: "space", 40: "open", 41: "close"}.get(line[position]):
            yield kind, b""
            position += 1
        elif quoted := _QUOTED.match(line, position):
            yield "text", Text(re.sub(rb"\\(.)", rb"\1", quoted[1]))
            position = quoted.end()
        elif announced := _ANNOUNCED.match(line, position):
            if literal is None or b"\x00" in literal:
                raise Offence(f"{line!r} has no literal that may be sent")
            yield "text", Text(literal)
            position = announced.end()
        elif word := _WORD.match(line, position):
            yield "word", word[0]
            position = word.end()
        else:
            raise Offence(f"{line!r} is not IMAP")
