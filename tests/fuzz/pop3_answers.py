"""Whatever a POP3 server says is understood or refused, and never anything else.

The first octet chooses what the client does first, and in upper case that a whole
session follows, its greeting included. The others are what a server says, one portion
to each command, with `NEXT` between two: they are cut into lines and contents, read as
lists of messages, and told to a client that lists, reads and removes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Listed
from postroom.transport.pop3.capabilities import Capabilities
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.framing import LARGEST_PIECE, LONGEST_LINE, Framer
from postroom.transport.pop3.listing import listed
from postroom.transport.pop3.statuses import challenge, status
from tests.transport.imap.memory import Line, network
from tests.transport.imap.transcript import Told
from tests.transport.pop3.memory import visit

LISTED = [Listed(4, 10), Listed(7, 0), Listed(9, 100_000)]
NUMBERS = [each.number for each in LISTED]
NEXT = b"NEXT"

# What is said first where the octets are no whole session.
PREAMBLE = [
    b"+OK hello\r\n",
    b"+OK\r\nSASL PLAIN\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n",
    b"+OK in\r\n",
    b"+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n",
]

_COMMAND = re.compile(
    rb"CAPA|LIST|UIDL|NOOP|QUIT|USER ann|PASS secret|AUTH PLAIN AGFubgBzZWNyZXQ="
    rb"|AGFubgBzZWNyZXQ=|\*|(RETR|DELE) [479]|TOP [479] 0"
)


def fuzz(data: bytes) -> None:
    """Assert what must hold for these octets of a server."""
    start, said = data[:1], data[1:]
    lines = _framed(said)
    for line in lines:
        _only_its_errors(status, line)
        _only_its_errors(challenge, line)
    Capabilities.told(said)
    _only_its_errors(_listed, said)
    _meet(start, said.split(NEXT))


# -- answers ---------------------------------------------------------------------------


def _framed(data: bytes) -> list[bytes]:
    """The lines, and between them contents, however the octets were cut."""
    whole = list(_cut([data]))
    assert whole == list(_cut(data[at : at + 1] for at in range(len(data))))
    for line in whole[::2]:
        assert len(line) <= LONGEST_LINE
        assert b"\r\n" not in line
    assert sum(map(len, whole)) <= len(data)
    return whole[::2]


def _cut(pieces: Iterator[bytes] | list[bytes]) -> Iterator[bytes]:
    """A line and a content by turns, as far as they came whole."""
    framer = Framer()
    content: list[bytes] | None = None
    for each in pieces:
        framer.feed(each)
        try:
            while True:
                if content is None:
                    if (line := framer.line()) is None:
                        break
                    yield line
                    content = []
                if (piece := framer.piece()) is None:
                    break
                assert len(piece[0]) <= LARGEST_PIECE
                content.append(piece[0])
                if piece[1]:
                    yield b"".join(content)
                    content = None
        except TemporaryError:
            return


def _listed(said: bytes) -> None:
    scans, _, uniques = said.partition(NEXT)
    found = listed(scans, uniques)
    names = [each.uidl for each in found if each.uidl]
    assert len(names) == len(set(names))
    assert all(name.isascii() and name.isprintable() for name in names)
    assert [each.number for each in found] == sorted({each.number for each in found})


def _only_its_errors(reader: Callable[[bytes], object], octets: bytes) -> None:
    try:
        reader(octets)
    except TemporaryError:
        return


# -- sessions --------------------------------------------------------------------------


@dataclass
class Liar:
    """A server that says these portions, one to each command it takes."""

    portions: Iterator[bytes]
    octets: bytes = b""

    def met(self, line: Line) -> None:
        """Say the first portion: the greeting."""
        self._say_more(line)

    def heard(self, line: Line, octets: bytes) -> None:
        """Say the next portion to each command."""
        *commands, self.octets = (self.octets + octets).split(b"\r\n")
        for command in commands:
            assert _COMMAND.fullmatch(command), command
            self._say_more(line)

    def _say_more(self, line: Line) -> None:
        portion = next(self.portions, None)
        if portion is None:
            line.hang_up()
        elif portion:
            line.say(portion)


def _meet(start: bytes, said: list[bytes]) -> None:
    server = Liar(iter(said if start.isupper() else [*PREAMBLE, *said]))
    first = ord(start or b"a") % len(ACTIONS)
    with network() as wires:
        outcome = visit(wires, server, use=partial(_use, first))
    assert outcome.seconds <= 60, "one deadline ends a session"


async def _use(first: int, connection: Connection, _: Told) -> None:
    await connection.login("ann", "secret")
    for act in [*ACTIONS[first:], *ACTIONS[:first]]:
        try:
            await act(connection)
        except (RefusedForNow, PermanentError):
            continue  # the connection serves on
    await connection.quit()


async def _list(connection: Connection) -> None:
    await connection.listing()


async def _read(connection: Connection) -> None:
    ended: list[int] = []
    read = 0
    async for piece in connection.retrieve(LISTED, window=2):
        each = LISTED[len(ended)]
        assert piece.number == each.number
        assert not (piece.refusal and piece.octets)
        read += len(piece.octets)
        assert read <= 2 * each.size + 65_536
        if piece.is_last:
            ended.append(piece.number)
            read = 0
    assert ended == NUMBERS


async def _look(connection: Connection) -> None:
    assert (await connection.headers(NUMBERS)).keys() <= set(NUMBERS)


async def _remove(connection: Connection) -> None:
    assert await connection.remove(NUMBERS) <= set(NUMBERS)


async def _prove(connection: Connection) -> None:
    await connection.prove()


ACTIONS = (_list, _read, _look, _remove, _prove)
