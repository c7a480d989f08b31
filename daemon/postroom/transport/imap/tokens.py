"""Read the grammar that IMAP's responses share: words, strings, literals and lists.

Time is linear in the octets, nothing recurses, and only `TemporaryError` is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Frame

# A word or string as its octets, NIL as None, a list as a tuple.
Value = bytes | tuple["Value", ...] | None

_DEPTH = 50
_MAX_NUMBER = 2**63 - 1
MAX_UNIQUE = 2**32 - 1
_TOKEN = re.compile(
    rb"""\ *(?:
      (?P<open>\() | (?P<close>\))
      | "(?P<quoted>(?:[^"\\]|\\.)*+)"
      | ~?\{[0-9]+\}\Z (?P<literal>)
      | (?P<word>(?:\[[^\[\]]*\]|[^\ ()"])++)   # with sections: BODY[HEADER]<0>
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


def read(frame: Frame) -> tuple[Value, ...]:
    """All values of a response, without the `* ` it begins with."""
    stack: list[list[Value]] = [[]]
    for kind, token in _tokens(frame):
        if kind == "open":
            stack.append([])
            if len(stack) > _DEPTH:
                raise TemporaryError("the server sent lists nested too deeply")
        elif kind == "close":
            if len(stack) == 1:
                raise TemporaryError("the server closed a list that was not open")
            closed = tuple(stack.pop())
            stack[-1].append(closed)
        else:
            stack[-1].append(_value(kind, token))
    if len(stack) > 1:
        raise TemporaryError("the server did not close a list")
    return tuple(stack[0])


def number(value: Value) -> int:
    """A number of 63 bits at most (RFC 9051, section 9); raises `TemporaryError`."""
    if not isinstance(value, bytes) or not value.isdigit() or len(value) > 19:
        raise TemporaryError("the server sent something else where a number belongs")
    if int(value) > _MAX_NUMBER:
        raise TemporaryError("the server sent a number that can't be one")
    return int(value)


def unique_number(value: Value) -> int:
    """A UID (RFC 3501, section 9: nz-number); raises `TemporaryError`."""
    found = number(value)
    if not 0 < found <= MAX_UNIQUE:
        raise TemporaryError("the server sent a UID that can't be one")
    return found


def uid_or_none(value: Value) -> int | None:
    """A UID that is a mere hint, such as UIDNEXT; None if it can't be one."""
    try:
        return unique_number(value)
    except TemporaryError:
        return None


def uidvalidity(value: Value) -> int:
    """A UIDVALIDITY; raises `TemporaryError`. Some servers give 0, which RFC 3501,
    section 9 forbids: it is a number like any other."""
    found = number(value)
    if found > MAX_UNIQUE:
        raise TemporaryError("the server sent a UIDVALIDITY that can't be one")
    return found


def words(value: Value) -> tuple[bytes, ...]:
    """The words of a list; none where there is none."""
    if not isinstance(value, tuple):
        return ()
    return tuple(item for item in value if isinstance(item, bytes))


def text(value: Value) -> str:
    """The text of a word or string, whatever its octets are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def pairs(values: Sequence[Value]) -> Iterator[tuple[str, Value]]:
    """Names and values in turn; names in upper case."""
    if len(values) % 2:
        raise TemporaryError("the server sent an item without its value")
    for name, value in zip(values[::2], values[1::2], strict=True):
        yield text(name).upper(), value


def _tokens(frame: Frame) -> Iterator[tuple[str, bytes]]:
    for index in range(0, len(frame), 2):
        literals = frame[index + 1 : index + 2]
        for kind, token in _line_tokens(frame[index], 0 if index else 2):
            if kind != "literal":
                yield kind, token
            elif not literals:
                raise TemporaryError("the server announced a literal and sent none")
            else:
                yield kind, literals[0]
                literals = ()
        if literals:
            raise TemporaryError("the server sent a literal in the wrong place")


def _line_tokens(line: bytes, position: int) -> Iterator[tuple[str, bytes]]:
    end = len(line.rstrip(b" "))
    while position < end:
        found = _TOKEN.match(line, position)
        if not found or found.lastgroup is None:
            raise TemporaryError("the server sent what is not IMAP")
        position = found.end()
        yield found.lastgroup, found[found.lastgroup]


def _value(kind: str, token: bytes) -> Value:
    if kind == "quoted":
        return _ESCAPE.sub(rb"\1", token) if b"\\" in token else token
    if kind == "word" and token.upper() == b"NIL":
        return None
    return token
