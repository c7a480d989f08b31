"""Commands and their answers, one exchange at a time and each with its deadline.

After an exchange that did not come to its end there is none: what is still owed would
be taken for the answer to the next command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from postroom.errors import TemporaryError
from postroom.transport.pop3.server import Timings
from postroom.transport.pop3.statuses import Status, challenge, status
from postroom.transport.pop3.wire import Patience, Wire

_T = TypeVar("_T")

# So many questions a login may ask: no mechanism has more.
_MOST_CHALLENGES = 10


class Dialogue:
    """What is asked of a server, and what it answers."""

    def __init__(self, wire: Wire, timings: Timings) -> None:
        self.wire = wire
        self.timings = timings

    def begin(self) -> None:
        """Make sure that nothing is owed any more: each exchange begins so."""
        if self.wire.owed:
            raise self.wire.fail("the answers to earlier commands were given up")

    async def ask(self, command: bytes, seconds: float) -> Status:
        """Have one command answered by one line."""
        self.begin()
        self.wire.send(command)
        return await self.short(seconds)

    async def ask_long(self, command: bytes, most: int) -> tuple[Status, bytes]:
        """Have one command answered by lines of at most so many octets."""
        self.begin()
        self.wire.send(command)
        return await self.long(most)

    async def converse(
        self, command: bytes, respond: Callable[[bytes], bytes]
    ) -> Status:
        """Have one command answered, and what the server asks meanwhile (RFC 5034)."""
        self.begin()
        self.wire.send(command)
        for _ in range(_MOST_CHALLENGES):
            line = await self._line(self.timings.login)
            asked = self._read(challenge, line)
            if asked is None:
                self.wire.answered()
                return self._read(status, line)
            self.wire.respond(respond(asked))
        raise self.wire.fail("it asks without end in the login")

    # -- within an exchange ------------------------------------------------------------

    async def short(self, seconds: float) -> Status:
        """The next answer: one line, within so many seconds."""
        found = self._read(status, await self._line(seconds))
        self.wire.answered()
        return found

    async def long(self, most: int) -> tuple[Status, bytes]:
        """The next answer: its status, and the lines behind it if that is good."""
        patience = self.patience()
        found = await self.opening(patience)
        pieces: list[bytes] = []
        is_last = not found.ok
        while not is_last:
            octets, is_last = await self.wire.piece(patience)
            pieces.append(octets)
            most -= len(octets)
            if most < 0:
                raise self.wire.fail("it answers without end")
        self.wire.answered()
        return found, b"".join(pieces)

    async def opening(self, patience: Patience) -> Status:
        """The status of the next answer, which may have more behind it."""
        return self._read(status, await self.wire.line(patience))

    def patience(self) -> Patience:
        """How long a long answer may take."""
        return Patience(self.timings.silence, self.timings.bulk)

    async def _line(self, seconds: float) -> bytes:
        return await self.wire.line(Patience(seconds, seconds))

    def _read(self, reader: Callable[[bytes], _T], line: bytes) -> _T:
        try:
            return reader(line)
        except TemporaryError as error:
            raise self.wire.fail(str(error)) from error


class Pipeline:
    """Commands on their way: so many of them at a time that the server never waits for
    the next one (RFC 2449, section 6.6)."""

    def __init__(self, wire: Wire, commands: Sequence[bytes], window: int) -> None:
        self._wire = wire
        self._commands = commands
        self._window = max(1, window)
        self._said = 0

    def advance(self) -> None:
        """Say what fits: half a window at a time, many commands a packet, or whatever
        it is when there is nothing left to read."""
        free = self._window - self._wire.owed
        if 2 * free >= self._window or not self._wire.pending:
            commands = self._commands[self._said : self._said + free]
            self._said += len(commands)
            if commands:
                self._wire.send(*commands)
