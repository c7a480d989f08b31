"""A whole session with a scripted server in memory, where time costs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.server import Timings
from tests.transport.imap.memory import Line, Network, Server
from tests.transport.imap.transcript import Flow, Outcome, Told
from tests.transport.pop3.dealings import at
from tests.transport.pop3.scripted import PopServer, PopSession


@dataclass
class InMemory:
    """A server on the network in memory, whose octets flow as a test wants it.

    From the first command of `slow` on each octet takes as long as `flow` says; each
    answer takes `delay` seconds, however many are asked for at a time. After a session
    a server without any of these hangs up.
    """

    server: PopServer
    flow: Flow = field(default_factory=Flow)
    slow: Collection[str] = ()
    delay: float = 0
    said: bytes = b""
    answered: list[str] = field(default_factory=list)
    session: PopSession | None = None

    def met(self, line: Line) -> None:
        """Greet."""
        self.session = PopSession(self.server)
        self._say(line, "GREETING", self.session.greet())

    def heard(self, line: Line, octets: bytes) -> None:
        """Answer the commands that these octets complete."""
        assert self.session is not None
        for command, said in self.session.hear(octets):
            self._say(line, command.split(" ")[0], said)
        late = self.delay or self.flow.pause or self.flow.limit is not None
        if self.session.over and not late:
            line.hang_up()

    def _say(self, line: Line, verb: str, octets: bytes) -> None:
        limit = self.flow.limit
        going = octets[: None if limit is None else limit - len(self.said)]
        pause = self.flow.pause if not self.slow or verb in self.slow else 0
        for count, piece in enumerate(self.flow.pieces(going), start=1):
            line.say(piece, self.delay + count * pause)
        self.said += going
        if going == octets:
            self.answered.append(verb)
        if self.flow.end and len(self.said) == limit:
            self.flow.end(line)


async def story(connection: Connection, told: Told) -> None:
    """What a client does in a visit; appends all that it is told."""
    await connection.login("ann", "secret")
    told.append(connection.capabilities)
    told.append(listing := await connection.listing())
    octets = b""
    async for piece in connection.retrieve(listing):
        octets += piece.octets
        if piece.is_last:
            told.append((piece.number, octets))
            octets = b""
    told.append(await connection.headers([each.number for each in listing]))
    told.append(await connection.remove([1, 3]))
    await connection.prove()
    told.append("proved")
    await connection.quit()
    told.append("quit")


def visit(
    network: Network,
    server: Server,
    timings: Timings | None = None,
    use: Callable[[Connection, Told], Awaitable[None]] = story,
) -> Outcome:
    """Let a client visit this server; how that went."""
    told: Told = []

    async def client() -> TemporaryError | PermanentError | None:
        try:
            async with connected(at(1), timings or Timings()) as connection:
                await use(connection, told)
        except (TemporaryError, PermanentError) as error:
            return error
        return None

    error, seconds = network.run(server, client())
    return Outcome(told, error, seconds)
