"""One rich session as a server in memory tells it, and what the client makes of it.

The server answers a command by its name, in the words of a record, as far as a `Flow`
lets its octets through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from postroom.errors import PermanentError, TemporaryError
from postroom.ports import Account, Mailbox, Session
from postroom.rules.effects import SetFlags
from postroom.transport.imap.server import Timings
from tests.transport.imap.memory import Line, Network, Server
from tests.transport.imap.scripted import account_at
from tests.transport.imap.strict import Asked, Reader

PASSWORD = "secr\u00e9t"  # a literal, which the server must ask for
GREETING = b"* OK [CAPABILITY IMAP4rev1] at your service\r\n"

# By the beginning of a command and its arguments; the first one that fits is said.
ANSWERS: list[tuple[bytes, bytes]] = [
    (b"CAPABILITY", b"* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS NAMESPACE\r\n"),
    (b"NAMESPACE", b'* NAMESPACE (("" "/")) NIL NIL\r\n'),
    (
        b"SELECT",
        b"* FLAGS (\\Seen \\Flagged)\r\n* 3 EXISTS\r\n"
        b"* OK [PERMANENTFLAGS (\\Seen \\Flagged \\*)] kept\r\n"
        b"* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 10] next {5}\r\n",
    ),
    (b"UID SEARCH", b"* SEARCH 4 9\r\n* SEARCH 7\r\n"),
    (
        b"UID FETCH 4,7,9 (UID FLAGS",
        b"* 1 FETCH (UID 4 FLAGS () INTERNALDATE "
        b'" 7-Feb-1994 21:52:25 -0800" RFC822.SIZE 22 BODY[HEADER]<0> {15}\r\n'
        b"Subject: a)\r\n\r\n)\r\n* 2 FETCH (FLAGS (\\Recent))\r\n"
        b'* 3 FETCH (BODY[HEADER]<0> "X: (" UID 9 RFC822.SIZE 4 FLAGS (\\Seen))\r\n'
        b"* 2 FETCH (UID 7 BODY[HEADER]<0> {0}\r\n RFC822.SIZE 2)\r\n",
    ),
    (
        b"UID FETCH 4,9 (UID BODY.PEEK[]",
        b"* 1 FETCH (UID 4 BODY[] {22}\r\nSubject: a)\r\n\r\nA1 OK\r\n)\r\n"
        b'* 3 FETCH (UID 9 BODY[] "X: (")\r\n',
    ),
    (
        b"UID STORE 4,9",
        b"* 1 FETCH (UID 4 FLAGS (\\Flagged))\r\n"
        b"* 3 FETCH (FLAGS (\\Flagged) UID 9)\r\n",
    ),
    (
        b"UID MOVE 4,9",
        b"* OK [COPYUID 8 4,9 21:22] moved\r\n* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n",
    ),
    (b"LOGOUT", b"* BYE good bye\r\n"),
]


@dataclass(frozen=True)
class Flow:
    """How a server's octets reach the client: in which pieces, how slowly, and until
    when.

    After `limit` octets the connection ends, or stalls if there is no `end`.
    """

    limit: int | None = None
    end: Callable[[Line], None] | None = None
    pieces: Callable[[bytes], Iterable[bytes]] = lambda octets: [octets]
    pause: float = 0  # seconds before each piece


@dataclass
class Recorded:
    """A server that has the record above; `asked` has the commands as it read them."""

    flow: Flow = Flow()
    asked: list[Asked] = field(default_factory=list)
    said: bytes = b""
    answered: int = 0  # the greeting, and each command that was answered to the end
    reader: Reader = field(default_factory=Reader)

    def met(self, line: Line) -> None:
        """Greet."""
        self.answered += self._say(line, GREETING)

    def heard(self, line: Line, octets: bytes) -> None:
        """Answer the commands that these octets complete."""
        for asked in self.reader.take(octets):
            self.asked.append(asked)
            self.answered += self._say(line, self.answer(asked))
        if self.reader.waits and self._say(line, b"+ go on\r\n"):
            self.reader.go_on()

    @property
    def verbs(self) -> list[str]:
        """The names of the commands."""
        return [each.verb for each in self.asked]

    def answer(self, asked: Asked) -> bytes:
        """All that is said to a command."""
        if asked.verb == "IDLE":
            return b"+ idling\r\n* 2 EXISTS\r\n"
        tag = self.asked[-2].tag if asked.verb == "DONE" else asked.tag
        return answer_in_record(asked) + tag + b" OK done\r\n"

    def _say(self, line: Line, octets: bytes) -> bool:
        """True if all of it was said."""
        limit = self.flow.limit
        rest = None if limit is None else limit - len(self.said)
        going = octets[:rest]
        for count, piece in enumerate(self.flow.pieces(going), start=1):
            line.say(piece, count * self.flow.pause)
        self.said += going
        if self.flow.end and len(self.said) == limit:
            self.flow.end(line)
        return going == octets


def answer_in_record(asked: Asked) -> bytes:
    """What the record has for a command: its untagged responses."""
    written = b" ".join([asked.verb.encode(), *map(_written, asked.arguments)])
    found = (answer for start, answer in ANSWERS if written.startswith(start))
    return next(found, b"")


def _written(argument: object) -> bytes:
    if isinstance(argument, tuple):
        return b"(%s)" % b" ".join(map(_written, argument))
    return argument if isinstance(argument, bytes) else b'""'


Told = list[object]


async def story(mailbox: Mailbox, told: Told) -> None:
    """What the client does in the record; appends all that it is told."""
    told.append((mailbox.uidvalidity, mailbox.uidnext, mailbox.pushes))
    told.append(uids := await mailbox.uids_after(0))
    told.append(await mailbox.headers(uids))
    told.append(await mailbox.contents([4, 9]))
    told.append(await mailbox.set_flags([4, 9], SetFlags(frozenset({"\\Flagged"}))))
    told.append(await mailbox.move([4, 9], "Old"))
    await mailbox.changed()
    told.append("changed")


@dataclass(frozen=True)
class Outcome:
    """How a session went: what was told, how it ended, and after how many seconds."""

    told: Told
    error: TemporaryError | PermanentError | None
    seconds: float


def tell(network: Network, server: Server, timings: Timings | None = None) -> Outcome:
    """Let a client have the story with this server."""
    told: Told = []

    async def use(session: Session) -> None:
        await story(await session.open("INBOX"), told)

    account = account_at(1, password=PASSWORD, timings=timings or Timings())
    error, seconds = meet_in_memory(network, server, account, use)
    return Outcome(told, error, seconds)


def meet_in_memory(
    network: Network,
    server: Server,
    account: Account,
    use: Callable[[Session], Awaitable[None]],
) -> tuple[TemporaryError | PermanentError | None, float]:
    """Let a client use a session; the error in which that ended, and its seconds."""

    async def client() -> TemporaryError | PermanentError | None:
        try:
            async with account.connect() as session:
                await use(session)
        except (TemporaryError, PermanentError) as error:
            return error
        return None

    return network.run(server, client())
