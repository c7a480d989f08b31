"""Whatever users and messages say, the commands that leave are the intended ones.

The octets are texts between 0xFF: delimiter, user, password, mailbox, target, UIDs and
flags. A server that forgives nothing reads what a client makes of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field

from postroom.errors import PermanentError
from postroom.ports import Mailbox, Session
from postroom.rules.effects import SetFlags
from postroom.transport.imap import wire
from postroom.transport.imap.names import Names
from tests.transport.imap.memory import Line, network
from tests.transport.imap.scripted import account_at
from tests.transport.imap.strict import Argument, Asked, Reader, Text
from tests.transport.imap.transcript import meet_in_memory

DELIMITERS = ("/", ".", "\\", '"', "&", None)
INTENDED = {"LOGIN", "SELECT", "UID STORE", "UID COPY", "UID MOVE"}
# What the client may ask beside, none of it with a text of a user.
BESIDE = {"CAPABILITY", "LIST", "UID FETCH", "LOGOUT"}

Command = tuple[str, tuple[Argument, ...]]


def fuzz(data: bytes) -> None:
    """Assert what must hold for these texts."""
    texts = [each.decode("utf-8", "surrogateescape") for each in data.split(b"\xff")]
    for text in texts:
        _write(text)
    Meeting.of(texts).hold()


def _write(text: str) -> None:
    """Each way to write a text into a command leaves it one command."""
    for written in (wire.string, wire.atom, wire.flag):
        try:
            segments = wire.segments([b"A1 X", written(text), b"y"])
        except PermanentError:
            continue
        expected = _octets(text)
        value = Text(expected) if written is wire.string else expected
        assert _read(segments) == [Asked(b"A1", "X", (value, b"y"))]


def _read(segments: Iterable[bytes]) -> list[Asked]:
    reader = Reader()
    read: list[Asked] = []
    for segment in segments:
        read += reader.take(segment)
        reader.go_on()
    return read


@dataclass
class Server:
    """A server that agrees to everything and keeps nothing."""

    delimiter: str | None
    asked: list[Asked] = field(default_factory=list)
    reader: Reader = field(default_factory=Reader)

    def met(self, line: Line) -> None:
        """Greet."""
        line.say(b"* OK hello\r\n")

    def heard(self, line: Line, octets: bytes) -> None:
        """Agree."""
        for asked in self.reader.take(octets):
            self.asked.append(asked)
            line.say(self._answer(asked.verb) + asked.tag + b" OK done\r\n")
        if self.reader.waits:
            self.reader.go_on()
            line.say(b"+ go on\r\n")

    def _answer(self, verb: str) -> bytes:
        quoted = wire.string(self.delimiter) if self.delimiter else b"NIL"
        assert isinstance(quoted, bytes)
        return {
            "CAPABILITY": b"* CAPABILITY IMAP4rev1 MOVE UIDPLUS\r\n",
            "LIST": b'* LIST (\\Noselect) %s ""\r\n' % quoted,
            "SELECT": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
        }.get(verb, b"")


@dataclass
class Meeting:
    """A session that uses these texts, and the commands that are meant by it."""

    delimiter: str | None
    user: str
    password: str
    mailbox: str
    target: str
    uids: list[int]
    flags: frozenset[str]
    meant: list[Command] = field(default_factory=list)

    @classmethod
    def of(cls, texts: list[str]) -> Meeting:
        """A session in which what is missing has its usual value."""
        usual = ["/", "ann", "secret", "INBOX", "Old", "abcd", "\\Seen"]
        delimiter, user, password, mailbox, target, uids, *flags = [
            *texts,
            *usual[len(texts) :],
        ]
        chosen = DELIMITERS[sum(delimiter.encode("utf-8", "replace")) % len(DELIMITERS)]
        numbers = [1 + (ord(each) * 2_654_435_761) % (2**32 - 1) for each in uids]
        return cls(
            *(chosen, user, password, mailbox, target),
            numbers or [1],
            frozenset(flags),
        )

    def hold(self) -> None:
        """Have the session; what the server read must be what was meant."""
        server = Server(self.delimiter)
        account = account_at(1, user=self.user, password=self.password)
        with network() as wires:
            meet_in_memory(wires, server, account, self._use)
        read = [(each.verb, each.arguments) for each in server.asked]
        assert {verb for verb, _ in read} <= INTENDED | BESIDE
        assert [each for each in read if each[0] in INTENDED] == self.meant

    async def _use(self, session: Session) -> None:
        self._mean("LOGIN", Text(_octets(self.user)), Text(_octets(self.password)))
        mailbox = await self._open(session)
        uids = b",".join(wire.uid_sets(self.uids))
        change = SetFlags(self.flags)
        flags = tuple(map(_octets, sorted(self.flags)))
        if await _agreed(mailbox.set_flags(self.uids, change)) and flags:
            self._mean("UID STORE", uids, b"+FLAGS", flags)
        target = self._place(self.target)
        if await _agreed(mailbox.copy(self.uids, self.target)):
            self._mean("UID COPY", uids, target)
        here = target == self._place(mailbox.name)
        if await _agreed(mailbox.move(self.uids, self.target)) and not here:
            self._mean("UID MOVE", uids, target)

    async def _open(self, session: Session) -> Mailbox:
        try:
            opened = await session.open(self.mailbox)
        except PermanentError:
            opened = await session.open("INBOX")
        self._mean("SELECT", self._place(opened.name))
        return opened

    def _mean(self, verb: str, *arguments: Argument) -> None:
        self.meant.append((verb, arguments))

    def _place(self, name: str) -> Text:
        try:
            return Text(_octets(Names(self.delimiter).to_server(name)))
        except PermanentError:
            return Text(b"")


async def _agreed(asked: Awaitable[object]) -> bool:
    """False if it was refused before anything was sent."""
    try:
        await asked
    except PermanentError:
        return False
    return True


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
