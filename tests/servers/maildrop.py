"""A POP3 server in a thread of this process: keeps a maildrop, can misbehave.

By itself it obeys RFC 1939: what was marked is removed by QUIT alone, all or nothing.
What a reply tells is done before it is sent: the next session finds it so.
"""

from __future__ import annotations

import itertools
import re
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.programs import LOOPBACK

CAPABILITIES = ("USER", "TOP", "UIDL", "PIPELINING", "RESP-CODES")

_STUFFED = re.compile(rb"(^|\r\n)\.")


@dataclass(frozen=True)
class Letter:
    """A message: its unique-id, and its octets in pieces that end with CRLF (but the
    last may not); a huge one repeats the same piece."""

    uidl: str
    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """How many octets it has."""
        return sum(map(len, self.pieces))

    def stuffed(self) -> Iterator[bytes]:
        """What is sent for it: dots stuffed, ended by a dot (RFC 1939, section 3)."""
        for piece in self.pieces:
            yield _STUFFED.sub(rb"\1..", piece)
        yield b".\r\n" if self.pieces[-1].endswith(b"\r\n") else b"\r\n.\r\n"


@dataclass
class Session:
    """What one client has said, and what it has marked to be removed."""

    heard: list[str] = field(default_factory=list)
    marked: set[int] = field(default_factory=set)
    told_farewell: bool = False

    def said(self, verb: str) -> list[str]:
        """The arguments of its commands of this name."""
        spoken = [line.partition(" ") for line in self.heard]
        return [arguments for name, _, arguments in spoken if name == verb]


@dataclass
class Maildrop:
    """A running server; what it does next is set by its attributes.

    `answers` replaces what is answered to a command (`RETR 2`, or any `RETR`): the
    octets as they are, and with None it hangs up in place of an answer. `cut_behind` is
    the command after whose answer it hangs up. `farewell` is the answer to QUIT, and
    `removes` how many of the marked ones it removes then (None: all). With `hides` it
    lists no message again that was retrieved. Without `names` it has no UIDL.
    """

    port: int = 0
    host: str = LOOPBACK
    user: str = "me"
    password: str = "secret"
    capabilities: Sequence[str] = CAPABILITIES
    letters: list[Letter] = field(default_factory=list)
    answers: dict[str, bytes | None] = field(default_factory=dict)
    cut_behind: str | None = None
    farewell: bytes | None = b"+OK bye\r\n"
    removes: int | None = None
    hides: bool = False
    names: bool = True
    hidden: set[str] = field(default_factory=set)
    sessions: list[Session] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, *raws: bytes) -> None:
        """Have these arrive, with unique-ids of their own."""
        for raw in raws:
            self.letters.append(Letter(f"uidl-{next(self._serial):04}", (raw,)))

    def said(self, verb: str) -> list[str]:
        """The arguments of all commands of this name so far."""
        return [each for session in self.sessions for each in session.said(verb)]


class _Dialogue(socketserver.StreamRequestHandler):
    """One session with one client."""

    wbufsize = 65536
    server: _Server

    def handle(self) -> None:
        """Serve until the client, or the maildrop, hangs up."""
        self.drop = self.server.maildrop
        self.session = Session()
        self.drop.sessions.append(self.session)
        self.listed: list[Letter] = []
        with suppress(ConnectionError):  # the client hung up
            self._say(b"+OK hello\r\n")
            while line := self.rfile.readline():
                if not self._obey(line.decode("latin-1").strip()):
                    break

    def _obey(self, line: str) -> bool:
        verb, _, arguments = line.partition(" ")
        verb = verb.upper()
        self.session.heard.append(f"{verb} {arguments}".strip())
        for asked in (self.session.heard[-1], verb):
            if asked in self.drop.answers:
                octets = self.drop.answers[asked]
                self._say(octets or b"")
                return octets is not None and not self._cuts(verb)
        if verb == "QUIT":
            return self._part()
        command: Callable[[str], None] = getattr(
            self, f"_{verb.lower()}", self._unknown
        )
        command(arguments)
        return not self._cuts(verb)

    def _cuts(self, verb: str) -> bool:
        return self.drop.cut_behind in (verb, self.session.heard[-1])

    def _say(self, *octets: bytes) -> None:
        self.wfile.writelines(octets)
        self.wfile.flush()

    def _lines(self, *lines: str) -> None:
        self._say("".join(f"{line}\r\n" for line in ("+OK", *lines, ".")).encode())

    def _unknown(self, _: str) -> None:
        self._say(b"-ERR what?\r\n")

    def _capa(self, _: str) -> None:
        self._lines(*self.drop.capabilities)

    def _user(self, _: str) -> None:
        self._say(b"+OK and the password?\r\n")

    def _pass(self, password: str) -> None:
        if password != self.drop.password:
            self._say(b"-ERR [AUTH] no\r\n")
            return
        letters, hidden = self.drop.letters, self.drop.hidden
        self.listed = [letter for letter in letters if letter.uidl not in hidden]
        self._say(b"+OK welcome\r\n")

    def _noop(self, _: str) -> None:
        self._say(b"+OK\r\n")

    def _stat(self, _: str) -> None:
        there = [letter.size for _, letter in self._there()]
        self._say(f"+OK {len(there)} {sum(there)}\r\n".encode())

    def _list(self, _: str) -> None:
        self._lines(*(f"{number} {letter.size}" for number, letter in self._there()))

    def _uidl(self, arguments: str) -> None:
        if not self.drop.names:
            self._unknown(arguments)
            return
        self._lines(*(f"{number} {letter.uidl}" for number, letter in self._there()))

    def _retr(self, number: str) -> None:
        letter = self.listed[int(number) - 1]
        if self.drop.hides:
            self.drop.hidden.add(letter.uidl)
        self._say(b"+OK here it is\r\n", *letter.stuffed())

    def _top(self, arguments: str) -> None:
        letter = self.listed[int(arguments.split()[0]) - 1]
        head = b"".join(letter.pieces).partition(b"\r\n\r\n")[0]
        self._say(b"+OK\r\n", head, b"\r\n\r\n.\r\n")

    def _dele(self, number: str) -> None:
        self.session.marked.add(int(number))
        self._say(b"+OK marked\r\n")

    def _rset(self, _: str) -> None:
        self.session.marked.clear()
        self._say(b"+OK\r\n")

    def _there(self) -> list[tuple[int, Letter]]:
        numbered = enumerate(self.listed, 1)
        return [each for each in numbered if each[0] not in self.session.marked]

    def _part(self) -> bool:
        removed = sorted(self.session.marked)[: self.drop.removes]
        gone = {id(self.listed[number - 1]) for number in removed}
        left = [letter for letter in self.drop.letters if id(letter) not in gone]
        self.drop.letters[:] = left
        self.session.told_farewell = True
        self._say(self.drop.farewell or b"")
        return False


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, maildrop: Maildrop) -> None:
        self.maildrop = maildrop
        super().__init__((LOOPBACK, 0), _Dialogue)


@contextmanager
def serving_maildrop() -> Iterator[Maildrop]:
    """A POP3 server without TLS until the end of the block."""
    maildrop = Maildrop()
    with _Server(maildrop) as server:
        maildrop.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield maildrop
        finally:
            server.shutdown()
            thread.join()
