"""A POP3 server on loopback that knows one account, and lies as a test tells it to.

The maildrop belongs to the test, which fills it, looks at it and changes it; what a
session removes is gone from it when the session quits, and not before.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import md5

HANG_UP = None
SILENCE = b""
_PACKET = 64 * 1024

ALL = ("TOP", "UIDL", "USER", "RESP-CODES", "PIPELINING", "SASL PLAIN", "STLS")


@dataclass
class PopServer:
    """A server of one account, and what its clients have said.

    `messages` is the maildrop: contents by unique-id, in the order of their numbers.
    `lies` maps the beginning of a command to the octets that answer it, the longest one
    counting (`GREETING` for what is said first, `RESPONSE` for what a client says when
    it was asked); `HANG_UP` ends the connection, `SILENCE` answers nothing. What is
    answered by an `-ERR` is not done, and anything else is, whatever is said. Without
    `capabilities` CAPA is unknown. `unique` makes the unique-id that is told of one of
    this number, `size` the size of one with this content; without `unique` UIDL is
    unknown. `hides`: what was retrieved is no longer listed in later sessions. `keeps`
    are those that stay there whatever is removed. `locked`: another session is on.
    `lies_in_the_clear` are told until TLS begins.
    """

    messages: dict[str, bytes] = field(default_factory=dict)
    user: str = "ann"
    password: str = "secret"
    capabilities: tuple[str, ...] | None = ALL
    lies: dict[str, bytes | None] = field(default_factory=dict)
    lies_in_the_clear: dict[str, bytes | None] = field(default_factory=dict)
    unique: Callable[[int, str], str] | None = lambda number, uidl: uidl
    size: Callable[[bytes], int] = len
    greeting: str = "+OK hello <1896.697170952@dbc.mtview.ca.us>"
    hides: bool = False
    keeps: frozenset[str] = frozenset()
    locked: bool = False
    hidden: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def commands(self, verb: str) -> list[str]:
        """The commands of all sessions that begin with this word."""
        return [line for line in self.said if line.startswith(verb)]


class PopSession:
    """One session, without a network: octets of commands in, octets of answers out."""

    def __init__(self, server: PopServer) -> None:
        self.server = server
        self.over = False
        self.in_the_clear = True
        self._octets = b""
        self._user = ""
        self._asked = False
        self._entered = False
        self._retrieved: set[str] = set()
        self._removed: set[str] = set()
        self._drop: list[str] = []
        server.connections += 1

    def greet(self) -> bytes:
        """What is said first."""
        truth = self.server.greeting.encode() + b"\r\n"
        (said,) = self._lie("GREETING") or (truth,)
        self.over = said is HANG_UP
        return said or b""

    def hear(self, octets: bytes) -> Iterator[tuple[str, bytes]]:
        """Each command that these octets complete, and what is said to it."""
        self._octets += octets
        while b"\r\n" in self._octets and not self.over:
            line, _, self._octets = self._octets.partition(b"\r\n")
            command = line.decode("utf-8", "surrogateescape")
            self.server.said.append(command)
            yield command, self._reply(command)

    def end(self) -> None:
        """Let the maildrop go without a change."""
        if self._entered:
            self.server.locked = False
        self._entered = False

    # -- insides -----------------------------------------------------------------------

    def _reply(self, command: str) -> bytes:
        asked, self._asked = self._asked, False
        lie = self._lie("RESPONSE" if asked else command)
        if lie is None:
            return self._answer(command, asked)
        (said,) = lie
        question = (said or b"").startswith(b"+ ")
        self._asked = question and (asked or command.startswith("AUTH"))
        if not question and not (said or b"").startswith(b"-ERR"):
            self._answer(command, asked)
        self.over = self.over or said is HANG_UP
        return said or b""

    def _lie(self, command: str) -> tuple[bytes | None] | None:
        """The lie that is told to a command; None for the truth."""
        clear = self.server.lies_in_the_clear if self.in_the_clear else {}
        lies = self.server.lies | clear
        fitting = [key for key in lies if command.startswith(key)]
        return (lies[max(fitting, key=len)],) if fitting else None

    def _answer(self, command: str, asked: bool) -> bytes:
        if asked:
            return self._plain(command)
        verb, _, argument = command.partition(" ")
        if verb in _ENTERING:
            return _ENTERING[verb](self, argument)
        if verb in _WITHIN and self._entered:
            return _WITHIN[verb](self, argument)
        return b"-ERR what?\r\n"

    def _capa(self, _: str) -> bytes:
        names = self.server.capabilities
        if names is None:
            return b"-ERR what is that?\r\n"
        return "\r\n".join(["+OK", *names, ".", ""]).encode()

    def _stls(self, _: str) -> bytes:
        return b"+OK begin\r\n"

    def _take_user(self, argument: str) -> bytes:
        self._user = argument
        return b"+OK\r\n"

    def _take_pass(self, argument: str) -> bytes:
        return self._enter(self._user, argument)

    def _auth(self, argument: str) -> bytes:
        mechanism, _, initial = argument.partition(" ")
        if mechanism != "PLAIN":
            return b"-ERR no such mechanism\r\n"
        if not initial:
            self._asked = True
            return b"+ \r\n"
        return self._plain(initial)

    def _plain(self, response: str) -> bytes:
        if response == "*":
            return b"-ERR given up\r\n"
        said = b64decode(response).decode("utf-8", "surrogateescape")
        _, user, password = said.split("\0")
        return self._enter(user, password)

    def _apop(self, argument: str) -> bytes:
        user, digest = argument.split()
        timestamp = self.server.greeting[self.server.greeting.index("<") :]
        secret = (timestamp + self.server.password).encode()
        right = digest == md5(secret, usedforsecurity=False).hexdigest()
        return self._enter(user, self.server.password if right else "")

    def _enter(self, user: str, password: str) -> bytes:
        server = self.server
        if (user, password) != (server.user, server.password):
            return b"-ERR [AUTH] wrong\r\n"
        if server.locked:
            return b"-ERR [IN-USE] another session is on\r\n"
        server.locked = self._entered = True
        self._drop = [each for each in server.messages if each not in server.hidden]
        return b"+OK come in\r\n"

    def _numbered(self) -> list[tuple[int, str]]:
        return [
            (number, uidl)
            for number, uidl in enumerate(self._drop, start=1)
            if uidl not in self._removed
        ]

    def _list(self, _: str) -> bytes:
        sizes = [
            f"{number} {self.server.size(self.server.messages[uidl])}\r\n"
            for number, uidl in self._numbered()
        ]
        return f"+OK\r\n{''.join(sizes)}.\r\n".encode()

    def _uidl(self, _: str) -> bytes:
        unique = self.server.unique
        if unique is None:
            return b"-ERR no UIDL\r\n"
        names = [
            f"{number} {unique(number, uidl)}\r\n" for number, uidl in self._numbered()
        ]
        return f"+OK\r\n{''.join(names)}.\r\n".encode()

    def _named(self, number: str) -> str | None:
        return dict(self._numbered()).get(int(number))

    def _retr(self, argument: str) -> bytes:
        uidl = self._named(argument)
        if uidl is None:
            return b"-ERR no such message\r\n"
        self._retrieved.add(uidl)
        return b"+OK\r\n" + stuffed(self.server.messages[uidl])

    def _top(self, argument: str) -> bytes:
        uidl = self._named(argument.split()[0])
        if uidl is None:
            return b"-ERR no such message\r\n"
        header, _, _ = self.server.messages[uidl].partition(b"\r\n\r\n")
        return b"+OK\r\n" + stuffed(header + b"\r\n\r\n")

    def _dele(self, argument: str) -> bytes:
        uidl = self._named(argument)
        if uidl is None:
            return b"-ERR no such message\r\n"
        self._removed.add(uidl)
        return b"+OK\r\n"

    def _noop(self, _: str) -> bytes:
        return b"+OK\r\n"

    def _quit(self, _: str) -> bytes:
        for uidl in self._removed - self.server.keeps:
            self.server.messages.pop(uidl, None)
        if self.server.hides:
            self.server.hidden |= self._retrieved
        self.end()
        self.over = True
        kept = self._removed & self.server.keeps
        return b"-ERR some were not removed\r\n" if kept else b"+OK bye\r\n"


_Answers = dict[str, Callable[[PopSession, str], bytes]]
_ENTERING: _Answers = {
    "CAPA": PopSession._capa,
    "STLS": PopSession._stls,
    "USER": PopSession._take_user,
    "PASS": PopSession._take_pass,
    "AUTH": PopSession._auth,
    "APOP": PopSession._apop,
    "QUIT": PopSession._quit,
}
_WITHIN: _Answers = {
    "LIST": PopSession._list,
    "UIDL": PopSession._uidl,
    "RETR": PopSession._retr,
    "TOP": PopSession._top,
    "DELE": PopSession._dele,
    "NOOP": PopSession._noop,
}


def stuffed(content: bytes) -> bytes:
    """A content as it stands behind a status line, its end included."""
    whole = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    return (b"\r\n" + whole).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


@asynccontextmanager
async def pop_server(
    server: PopServer, context: ssl.SSLContext | None = None, *, at_once: bool = True
) -> AsyncIterator[PopServer]:
    """The server, listening until the end of the block; with a context it speaks TLS,
    `at_once` or after STLS."""
    clients: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[asyncio.current_task()] = writer
        try:
            await _converse(server, reader, writer, None if at_once else context)
        except (ConnectionError, ssl.SSLError):
            return  # The client has gone, which many of the tests want it to do.
        finally:
            writer.close()

    listening = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=context if at_once else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        server.ended.set()
        for writer in clients.values():
            writer.transport.abort()
        await asyncio.gather(*filter(None, clients))


async def _converse(
    server: PopServer,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    context: ssl.SSLContext | None,
) -> None:
    session = PopSession(server)
    try:
        writer.write(session.greet())
        while not session.over and (octets := await reader.read(65536)):
            for command, said in session.hear(octets):
                for start in range(0, len(said), _PACKET):
                    writer.write(said[start : start + _PACKET])
                    await writer.drain()
                if command == "STLS" and context and said.startswith(b"+OK"):
                    await _begin_tls(writer, context)
                    session.in_the_clear = False
    finally:
        session.end()


async def _begin_tls(writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
    in_the_clear = writer.transport
    try:
        await writer.start_tls(context)
    except AttributeError:
        # CPython lets a writer without a transport if the client has hung up.
        vars(writer)["_transport"] = in_the_clear
        raise ConnectionResetError from None
