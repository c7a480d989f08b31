"""What a POP3 server answers, without the network: octets in, octets out (RFC 1939).

What a client deletes is removed by its QUIT alone: a session that ends in another way
leaves the maildrop as it was (section 6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

# Every capability is one of both states, so that it need not be asked for twice.
_CAPABILITIES = ("USER", "UIDL", "TOP", "PIPELINING", "RESP-CODES")

Lines = Iterable[bytes]
Command = Callable[[str], Lines]


@dataclass
class Maildrop:
    """One user's messages by their unique-ids, in the order of arrival.

    `holder` is the session that has it for itself alone.
    """

    user: str
    password: str = field(repr=False)
    messages: dict[str, bytes] = field(default_factory=dict, repr=False)
    holder: PopSession | None = None
    _ids: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def add(self, raw: bytes) -> None:
        """Put a message in; its unique-id was never another's."""
        # A line that does not end could not be told from the one with the dot.
        ended = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
        self.messages[f"playground-{next(self._ids)}"] = ended


class _RefusalError(Exception):
    """What is told after -ERR."""


class PopSession:
    """One client's session with a maildrop."""

    greeting: Lines = (b"+OK Welcome to the playground\r\n",)

    def __init__(self, maildrop: Maildrop) -> None:
        self._maildrop = maildrop
        self._user = ""
        self._listed: list[str] = []
        self._deleted: set[int] = set()
        self.is_over = False

    def answer(self, line: bytes) -> Lines:
        """The response to one command."""
        verb, _, rest = line.decode("utf-8", "replace").strip("\r\n").partition(" ")
        try:
            return self._find(verb.upper())(rest)
        except _RefusalError as refusal:
            return [f"-ERR {refusal}\r\n".encode()]

    def close(self) -> None:
        """Let go of the maildrop, and remove nothing."""
        if self._maildrop.holder is self:
            self._maildrop.holder = None

    def _find(self, verb: str) -> Command:
        commands: dict[str, Command] = {"CAPA": self._capa, "QUIT": self._quit}
        if self._maildrop.holder is self:
            commands |= {
                "STAT": self._stat,
                "LIST": self._list,
                "UIDL": self._uidl,
                "TOP": self._top,
                "RETR": self._retr,
                "DELE": self._dele,
                "RSET": self._rset,
                "NOOP": lambda _: _line(""),
            }
        else:
            commands |= {"USER": self._name, "PASS": self._pass}
        if verb not in commands:
            raise _RefusalError("this is no command here")
        return commands[verb]

    def _capa(self, _: str) -> Lines:
        return [*_line("capabilities"), *_told(_CAPABILITIES)]

    def _name(self, user: str) -> Lines:
        self._user = user
        return _line("and the password?")

    def _pass(self, password: str) -> Lines:
        drop = self._maildrop
        user, self._user = self._user, ""
        if (user, password) != (drop.user, drop.password):
            raise _RefusalError("[AUTH] these are not the credentials")
        if drop.holder:
            raise _RefusalError("[IN-USE] another session has the maildrop")
        drop.holder, self._listed = self, list(drop.messages)
        return self._stat("")

    def _stat(self, _: str) -> Lines:
        sizes = [len(raw) for _, _, raw in self._remaining()]
        return _line(f"{len(sizes)} {sum(sizes)}")

    def _list(self, number: str) -> Lines:
        return self._listing(number, lambda _, raw: str(len(raw)))

    def _uidl(self, number: str) -> Lines:
        return self._listing(number, lambda uidl, _: uidl)

    def _listing(self, number: str, tell: Callable[[str, bytes], str]) -> Lines:
        if number:
            one, uidl, raw = self._get(number)
            return _line(f"{one} {tell(uidl, raw)}")
        told = [f"{one} {tell(uidl, raw)}" for one, uidl, raw in self._remaining()]
        return [*_line(f"{len(told)} messages"), *_told(told)]

    def _retr(self, number: str) -> Lines:
        _, _, raw = self._get(number)
        return [*_line(f"{len(raw)} octets"), _stuff(raw), b".\r\n"]

    def _top(self, arguments: str) -> Lines:
        number, _, most = arguments.partition(" ")
        _, _, raw = self._get(number)
        top = _cut(raw, _to_int(most))
        return [*_line(f"the first of {len(raw)} octets"), _stuff(top), b".\r\n"]

    def _dele(self, number: str) -> Lines:
        one, _, _ = self._get(number)
        self._deleted.add(one)
        return _line(f"{one} will be gone")

    def _rset(self, _: str) -> Lines:
        self._deleted.clear()
        return self._stat("")

    def _quit(self, _: str) -> Lines:
        for number in self._deleted:
            self._maildrop.messages.pop(self._listed[number - 1])
        self.close()
        self.is_over = True
        return _line("goodbye")

    def _remaining(self) -> Iterator[tuple[int, str, bytes]]:
        for number, uidl in enumerate(self._listed, start=1):
            if number not in self._deleted:
                yield number, uidl, self._maildrop.messages[uidl]

    def _get(self, number: str) -> tuple[int, str, bytes]:
        wanted = _to_int(number)
        for found in self._remaining():
            if found[0] == wanted:
                return found
        raise _RefusalError(f"there is no message {wanted}")


def _line(text: str) -> Lines:
    return [f"+OK {text}".rstrip().encode() + b"\r\n"]


def _told(texts: Iterable[str]) -> Lines:
    return [*(f"{text}\r\n".encode() for text in texts), b".\r\n"]


def _stuff(raw: bytes) -> bytes:
    """A dot before each line that begins with one (RFC 1939, section 3)."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..").removeprefix(b"\r\n")


def _cut(raw: bytes, lines: int) -> bytes:
    """The header, the blank line, and so many lines of the body."""
    header, blank, body = raw.partition(b"\r\n\r\n")
    ends = [0, *(end.end() for end in re.finditer(b"\r\n", body))]
    return header + (blank or b"\r\n") + body[: ends[min(lines, len(ends) - 1)]]


def _to_int(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _RefusalError("a number was expected")
    return int(text)
