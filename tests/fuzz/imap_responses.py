"""Whatever an IMAP server says is understood or refused, and never anything else.

The first octet chooses what the client does first, and in upper case that a whole
session follows. The others are what a server says, `TAG` standing for the tag of the
command under way: they are cut into responses, given to each reader, and told to a
client that reads, marks and moves.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Mailbox, Session
from postroom.rules.effects import SetFlags
from postroom.transport.imap import fetching, responses, tokens
from postroom.transport.imap.framing import Frame, Framer, Limits
from postroom.transport.imap.server import Timings
from tests.transport.imap.memory import Line, network
from tests.transport.imap.scripted import account_at
from tests.transport.imap.strict import Reader
from tests.transport.imap.transcript import meet_in_memory

LIMITS = Limits(line=600, literal=600, octets=2_000, literals=6, responses=100)
UIDS = [4, 7, 9]

# What is said first where the octets are no whole session.
PREAMBLE = (
    b"* OK hello\r\nTAG OK done\r\nTAG OK in\r\n"
    b"* CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE SPECIAL-USE LIST-EXTENDED\r\nTAG OK\r\n"
    b'* LIST () "/" ""\r\nTAG OK done\r\n'
    b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK done\r\n"
)

_TAGGED = re.compile(rb"(?:(?<=\r\n)|\A)TAG")
_CONTINUED = re.compile(rb"(?:\r\n|\A)\+")

_MODULES = (responses, fetching, tokens)


def _reads_frames(function: object) -> bool:
    """True if this is a function that takes responses and nothing else."""
    if not inspect.isfunction(function) or function.__name__.startswith("_"):
        return False
    taken = [
        each.annotation for each in inspect.signature(function).parameters.values()
    ]
    return taken in (["Iterable[Frame]"], ["Frame"])


READERS = {
    name: function
    for module in _MODULES
    for name, function in vars(module).items()
    if _reads_frames(function)
}


def fuzz(data: bytes) -> None:
    """Assert what must hold for these octets of a server."""
    start, said = data[:1], data[1:]
    read_all(_framed(said))
    _meet(start, said)


def read_all(frames: list[Frame]) -> None:
    """Give these responses to every reader: each has one error only."""
    for reader in READERS.values():
        _only_its_errors(reader, frames)
    _only_its_errors(_copied, frames)


# -- responses -------------------------------------------------------------------------


def _framed(data: bytes) -> list[Frame]:
    """The responses: what was said, however the octets were cut into packets."""
    whole = list(_frames([data]))
    assert whole == list(_frames(data[at : at + 1] for at in range(len(data))))
    longest = LIMITS.octets + LIMITS.line  # its literals, and what comes behind them
    assert all(sum(map(len, frame)) <= longest for frame in whole)
    assert data.startswith(b"".join(map(_rejoined, whole)))
    return whole


def _frames(pieces: Iterable[bytes]) -> Iterator[Frame]:
    framer = Framer(LIMITS)
    try:
        for piece in pieces:
            yield from framer.feed(piece)
    except TemporaryError:
        return


def _rejoined(frame: Frame) -> bytes:
    return b"".join(part + b"\r\n" * (at % 2 == 0) for at, part in enumerate(frame))


def _only_its_errors(reader: Callable[..., object], frames: list[Frame]) -> None:
    several = "frames" in inspect.signature(reader).parameters
    for taken in [frames] if several else frames:
        try:
            told = reader(taken)
            if isinstance(told, Iterator):
                list(told)
        except TemporaryError:
            continue


def _copied(frames: list[Frame]) -> object:
    return responses.copied(responses.status_codes(frames), UIDS)


# -- sessions --------------------------------------------------------------------------


@dataclass
class Liar:
    """A server that says these portions, one to each command it takes."""

    portions: Iterator[bytes]
    reader: Reader = field(default_factory=Reader)
    tag: bytes = b""

    def met(self, line: Line) -> None:
        """Say the first portion: the greeting."""
        self._say_more(line)

    def heard(self, line: Line, octets: bytes) -> None:
        """Say the next portion to each command, and where a literal is announced."""
        for asked in self.reader.take(octets):
            self.tag = asked.tag or self.tag
            if asked.verb in {"UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE"}:
                assert _members(asked.arguments[0]) <= set(UIDS)
            self._say_more(line)
        if self.reader.waits:
            self.tag = self.reader.tag
            self._say_more(line)

    def _say_more(self, line: Line) -> None:
        portion = next(self.portions, None)
        if portion is None:
            line.hang_up()
            return
        line.say(_TAGGED.sub(self.tag, portion))
        if _CONTINUED.search(portion):
            self.reader.go_on()
        elif _TAGGED.search(portion):
            self.reader.give_up()


def _members(uid_set: object) -> set[int]:
    assert isinstance(uid_set, bytes)
    ranges = [item.split(b":") for item in uid_set.split(b",")]
    return {uid for ends in ranges for uid in range(int(ends[0]), int(ends[-1]) + 1)}


def portions(said: bytes) -> Iterator[bytes]:
    """What a server says, cut where it waits for the client."""
    greeting, _, rest = said.partition(b"\r\n")
    yield greeting + b"\r\n"
    portion = b""
    for line in re.findall(rb"(?s).*?(?:\r\n|\Z)", rest):
        if line.startswith(b"TAG") and _CONTINUED.search(portion):
            yield portion
            portion = b""
        portion += line
        if line.startswith(b"TAG"):
            yield portion
            portion = b""
    if portion:
        yield portion


def _meet(start: bytes, said: bytes) -> None:
    whole = start.isupper()
    server = Liar(portions(said if whole else PREAMBLE + said))
    first = ord(start or b"a") % len(ACTIONS)
    password = "p\u00e4" if whole else "pa"
    account = account_at(1, password=password, timings=Timings(), limits=LIMITS)
    with network() as wires:
        _, seconds = meet_in_memory(wires, server, account, partial(_use, first))
    # One deadline ends a session, but a probe of IDLE may be answered.
    assert seconds <= 70 + 320 * (1 + said.count(b"+"))


async def _use(first: int, session: Session) -> None:
    mailbox = await session.open("INBOX")
    for act in [*ACTIONS[first:], *ACTIONS[:first]]:
        try:
            await act(session, mailbox)
        except (RefusedForNow, PermanentError):
            continue  # the connection serves on


async def _find(session: Session, mailbox: Mailbox) -> None:
    found = await mailbox.uids_after(3)
    assert found == sorted(set(found))
    assert not found or found[0] > 3


async def _read(session: Session, mailbox: Mailbox) -> None:
    messages = await mailbox.headers(UIDS)
    assert [each.key.uid for each in messages] == _asked_for(
        each.key.uid for each in messages
    )
    _asked_for(await mailbox.contents(UIDS))


async def _mark(session: Session, mailbox: Mailbox) -> None:
    _asked_for(await mailbox.set_flags(UIDS, SetFlags(frozenset({"\\Flagged"}))))


async def _move(session: Session, mailbox: Mailbox) -> None:
    _asked_for(await mailbox.move(UIDS, "Old"))


async def _copy(session: Session, mailbox: Mailbox) -> None:
    _asked_for(await mailbox.copy(UIDS, "Old"))


async def _wait(session: Session, mailbox: Mailbox) -> None:
    await mailbox.uids_after(max(UIDS))
    if mailbox.pushes:  # otherwise it waits for ever
        await mailbox.changed()


async def _look(session: Session, mailbox: Mailbox) -> None:
    assert await mailbox.newest() >= 0
    _asked_for(await mailbox.present(UIDS))


async def _stand(session: Session, mailbox: Mailbox) -> None:
    await session.standing("Old")


async def _throw_away(session: Session, mailbox: Mailbox) -> None:
    assert await mailbox.trash_name()
    _asked_for(await mailbox.expunge(UIDS))


async def _resume(session: Session, mailbox: Mailbox) -> None:
    begun = dict.fromkeys(UIDS, await mailbox.extent("Old", move=False))
    found = await mailbox.resume(begun, "Old", move=False)
    _asked_for(found.copies)
    _asked_for(found.doubtful)


def _asked_for(uids: Iterable[int]) -> list[int]:
    """These UIDs, ascending; none may be another than those that were asked for."""
    told = sorted(uids)
    assert set(told) <= set(UIDS)
    return told


ACTIONS = (
    *(_find, _read, _mark, _move, _wait),
    *(_copy, _look, _stand, _throw_away, _resume),
)
