"""A mail server with one mailbox, in memory: it stands for the outside, not for us.

It obeys `postroom.ports.Mailbox`, keeps the commands it was given, and can be told to
misbehave: to refuse, to fail, to lose an answer, to lose a message, to dawdle.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from postroom.errors import PostroomError, TemporaryError
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import Extent, Placement, Resumed, Standing
from postroom.rules.effects import SetFlags

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "home"


@dataclass(frozen=True)
class Call:
    """One command: its name, the UIDs it was for, and where to."""

    verb: str
    uids: tuple[int, ...] = ()
    target: str = ""


@dataclass
class Mail:
    """One message on the server."""

    raw: bytes
    received: datetime
    flags: frozenset[str] = frozenset()
    size: int | None = None


@dataclass
class MemoryMailbox:
    """The mailbox; `failures` are raised once before a command is done, `lost` once
    after it, and `before` is called before each command of the name.

    Without `moves` a move is a copy and a removal; `lost["halfway"]` is raised between.
    What is in `stuck` is left as it is by every move and copy, without a word. Fetching
    what is `deadly` ends the connection; what is `hidden` is left out of the answer.
    With `tells` it has a STATUS, which does not tell of an `untold` target; `called` is
    what it makes of the names of targets. Of a header above `longest` octets it gives
    an excerpt.
    """

    name: str = "INBOX"
    uidvalidity: int = 7
    delimiter: str | None = "/"
    pushes: bool = True
    uidnext: int | None = None
    tells: bool = True
    longest: int = 32_768
    called: dict[str, str] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    moves: bool = True
    stuck: set[int] = field(default_factory=set)
    mail: dict[int, Mail] = field(default_factory=dict)
    uids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    placed: dict[str, list[int]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    failures: dict[str, PostroomError] = field(default_factory=dict)
    lost: dict[str, PostroomError] = field(default_factory=dict)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    deadly: dict[str, set[int]] = field(default_factory=dict)
    hidden: dict[str, set[int]] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    may_leave: asyncio.Event = field(default_factory=asyncio.Event)

    def put(
        self, *raws: bytes, size: int | None = None, received: datetime | None = None
    ) -> None:
        """Have these arrive, one a second."""
        for raw in raws:
            uid = next(self.uids)
            when = received or NOON + timedelta(hours=-1, seconds=uid)
            self.mail[uid] = Mail(raw, when, size=size)
        self.arrived.set()

    def lose(self, uid: int) -> None:
        """Have another client take it away."""
        self.mail.pop(uid, None)

    def number_anew(self) -> None:
        """Lose the UIDs, as a server does that was restored (RFC 3501, 2.3.1.1)."""
        self.uidvalidity += 1
        self.uids = itertools.count(101)
        self.mail = {next(self.uids): mail for mail in self.mail.values()}

    def told(self, *verbs: str) -> list[Call]:
        """The commands of these names so far, in order."""
        return [call for call in self.calls if call.verb in verbs]

    async def newest(self) -> int:
        """The highest UID."""
        return max(self.mail, default=0)

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above it."""
        self._take("search")
        self.arrived.clear()
        return sorted(found for found in self.mail if found > uid)

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages without their bodies."""
        found = self._fetch("headers", uids)
        return [self._message(uid) for uid in found]

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Their octets."""
        found = self._fetch("contents", uids)
        return {uid: self.mail[uid].raw for uid in found}

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those that are there."""
        return frozenset(self._take("present", uids))

    async def changed(self) -> None:
        """Wait for an arrival; leaving takes until `may_leave`."""
        try:
            await self.arrived.wait()
        finally:
            self.leaving.set()
            await self.may_leave.wait()

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags."""
        found = self._take("flags", uids)
        for uid in found:
            mail = self.mail[uid]
            mail.flags = (mail.flags | change.add) - change.remove
        self._answer("flags")
        return frozenset(found)

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy them there."""
        found = self._take("copy", uids, target)
        told = self._put_into(found, target)
        self._answer("copy")
        return told

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move them there."""
        found = self._take("move", uids, target)
        told = self._put_into(found, target)
        if not self.moves:
            self._answer("halfway")
        self._remove(told)
        self._answer("move")
        return told

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """How many messages there are, for it starts at 1; no `untold` one."""
        untold = target in self.untold or (move and self.moves)
        return None if untold else Extent(9, len(self.placed.get(target, [])) + 1)

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """Find the copies that were made of them; remove what was to be moved."""
        if move and self.moves:
            return Resumed()
        there = self.placed.get(target, [])
        told = {uid: extent.uidnext for uid, extent in begun.items() if extent}
        found = {
            uid: Placement(target, 9, there.index(uid, told[uid] - 1) + 1)
            for uid in self._take("resume", list(begun), target)
            if uid in told and uid in there[told[uid] - 1 :]
        }
        if move:
            self._remove(found)
        return Resumed(found, frozenset(begun.keys() - told.keys()))

    async def trash_name(self) -> str:
        """Trash."""
        return "Trash"

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """What each name is called here."""
        return {name: self.called.get(name, name) for name in names}

    def standing(self) -> Standing | None:
        """How it stands, if it tells."""
        uidnext = (
            max(self.mail, default=0) + 1 if self.uidnext is None else self.uidnext
        )
        return (
            Standing(self.uidvalidity, uidnext, len(self.mail)) if self.tells else None
        )

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove them."""
        found = self._take("expunge", uids)
        self._remove(found)
        self._answer("expunge")
        return frozenset(found)

    def _fetch(self, verb: str, uids: Sequence[int]) -> list[int]:
        found = self._take(verb, uids)
        if self.deadly.get(verb, set()) & set(found):
            raise TemporaryError("the connection is lost")
        return [uid for uid in found if uid not in self.hidden.get(verb, set())]

    def _take(self, verb: str, uids: Sequence[int] = (), target: str = "") -> list[int]:
        self.calls.append(Call(verb, tuple(uids), target))
        self.before.get(verb, lambda: None)()
        for name in (verb, f"{verb} {target}"):
            if name in self.failures:
                raise self.failures.pop(name)
        return sorted(uid for uid in uids if uid in self.mail)

    def _answer(self, verb: str) -> None:
        if verb in self.lost:
            raise self.lost.pop(verb)

    def _remove(self, uids: Iterable[int]) -> None:
        for uid in uids:
            del self.mail[uid]

    def _put_into(self, uids: Iterable[int], target: str) -> dict[int, Placement]:
        there = self.placed.setdefault(target, [])
        told = {}
        for uid in (uid for uid in uids if uid not in self.stuck):
            there.append(uid)
            told[uid] = Placement(target, 9, len(there))
        return told

    def _message(self, uid: int) -> Message:
        mail = self.mail[uid]
        head = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        excerpt = len(head) > self.longest
        size = len(mail.raw) if mail.size is None else mail.size
        key = MessageKey(ACCOUNT, self.name, self.uidvalidity, uid)
        header = Header.parse(head[: self.longest])
        about = (key, size, mail.received, mail.flags, header)
        return Message(*about, excerpt=excerpt)
