"""A mail server in memory, which outlives the daemon; it obeys `postroom.ports`.

It keeps what it holds, and asks at each command that destroys something whether that
may be.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import Extent, Placement, Resumed
from postroom.rules.effects import SetFlags
from tests.model.life import Line

ACCOUNT = "home"
INBOX = "INBOX"


@dataclass(eq=False)
class Letter:
    """A message, wherever its copies are; `name` stands in its Message-ID, `kind` in
    its Subject."""

    name: str
    kind: str
    sender: str
    received: datetime
    flags: frozenset[str] = frozenset()

    @property
    def raw(self) -> bytes:
        """Its octets."""
        head = (
            f"From: {self.sender}\r\nTo: me@ours.example\r\nSubject: {self.kind}\r\n"
            f"Message-ID: <{self.name}@example.org>\r\nDate: Sun, 1 Mar 2026 12:00:00"
            " +0000\r\nReturn-Path: <" + self.sender + ">\r\n\r\n"
        )
        return f"{head}This is {self.name}.\r\n".encode()


@dataclass
class Box:
    """A mailbox: what is in it, by UID."""

    uidvalidity: int = 7
    next_uid: int = 1
    mail: dict[int, Letter] = field(default_factory=dict)

    def put(self, letter: Letter) -> int:
        """Have one more in it; its UID."""
        uid = self.next_uid
        self.mail[uid] = letter
        self.next_uid += 1
        return uid

    def number_anew(self) -> None:
        """Lose the UIDs, as a server does that was restored (RFC 3501, 2.3.1.1)."""
        letters = list(self.mail.values())
        self.uidvalidity += 1
        self.next_uid, self.mail = 101, {}
        for letter in letters:
            self.put(letter)


# What is asked before messages leave a mailbox: the command, UIDVALIDITY, UIDs.
Guard = Callable[[str, int, Collection[int]], None]


def _unguarded(verb: str, uidvalidity: int, uids: Collection[int]) -> None:
    """Nobody minds."""


@dataclass
class MailServer:
    """The mailboxes of an account. Without `moves` a move is a copy and a removal, and
    a connection may be lost between; with `expunges` it has UIDPLUS."""

    moves: bool = True
    boxes: defaultdict[str, Box] = field(default_factory=lambda: defaultdict(Box))
    guard: Guard = _unguarded
    generations: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def inbox(self) -> Box:
        """The mailbox that is watched."""
        return self.boxes[INBOX]

    def count(self, letter: Letter, name: str) -> int:
        """How many copies of it there are in mailboxes whose names begin so."""
        boxes = (box for each, box in self.boxes.items() if each.startswith(name))
        return sum(list(box.mail.values()).count(letter) for box in boxes)


@dataclass
class OpenMailbox:
    """One mailbox, selected; implements `ports.Mailbox`."""

    server: MailServer
    line: Line
    name: str = INBOX
    delimiter: str | None = "/"
    pushes: bool = False

    def __post_init__(self) -> None:
        self.line.say()
        self.uidvalidity = self._box.uidvalidity
        self.uidnext: int | None = self._box.next_uid
        self.line.say()

    async def newest(self) -> int:
        """The highest UID."""
        return max(self._ask(self._box.mail), default=0)

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above it."""
        return [each for each in self._ask(self._box.mail) if each > uid]

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages without their bodies."""
        return [self._message(uid) for uid in self._ask(uids)]

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Their octets."""
        return {uid: self._box.mail[uid].raw for uid in self._ask(uids)}

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those that are there."""
        return frozenset(self._ask(uids))

    async def changed(self) -> None:
        """Nothing is pushed."""
        raise NotImplementedError

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags."""
        found = self._begin(uids)
        for uid in found:
            letter = self._box.mail[uid]
            letter.flags = (letter.flags | change.add) - change.remove
        self.line.say()
        return frozenset(found)

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy them there."""
        found = self._copy(self._begin(uids), target)
        self.line.say()
        return found

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move them there."""
        found = self._begin(uids)
        self.server.guard("move", self.uidvalidity, found)
        placed = self._copy(found, target)
        if not self.server.moves:
            self.line.say()
        self._remove(placed)
        self.line.say()
        return placed

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """How far the target's UIDs reach, where a search may be needed later."""
        box = self.server.boxes[target]
        told = Extent(box.uidvalidity, box.next_uid)
        return None if move and self.server.moves else told

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """Find the copies that were made of them; remove what was to be moved."""
        if move and self.server.moves:
            return Resumed()
        box = self.server.boxes[target]
        there = {letter: uid for uid, letter in box.mail.items()}
        letters = {uid: self._box.mail[uid] for uid in self._begin([*begun])}
        told = {
            uid: extent.uidnext
            for uid, extent in begun.items()
            if extent and extent.uidvalidity == box.uidvalidity
        }
        found = {
            uid: Placement(target, box.uidvalidity, there[letter])
            for uid, letter in letters.items()
            if uid in told and there.get(letter, 0) >= told[uid]
        }
        if move:
            self.server.guard("move", self.uidvalidity, found)
            self._remove(found)
        self.line.say()
        return Resumed(found, frozenset(begun.keys() - told.keys()))

    async def trash_name(self) -> str:
        """Trash."""
        return "Trash"

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """Each is called so."""
        return {name: name for name in names}

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove them for good."""
        found = self._begin(uids)
        self.server.guard("expunge", self.uidvalidity, found)
        self._remove(found)
        self.line.say()
        return frozenset(found)

    @property
    def _box(self) -> Box:
        return self.server.boxes[self.name]

    def _begin(self, uids: Collection[int]) -> list[int]:
        self.line.say()
        return sorted(uid for uid in uids if uid in self._box.mail)

    def _ask(self, uids: Collection[int]) -> list[int]:
        found = self._begin(uids)
        self.line.say()
        return found

    def _copy(self, uids: Collection[int], target: str) -> dict[int, Placement]:
        box = self.server.boxes[target]
        placed = {uid: box.put(self._box.mail[uid]) for uid in uids}
        return {uid: Placement(target, box.uidvalidity, placed[uid]) for uid in uids}

    def _remove(self, uids: Collection[int]) -> None:
        for uid in uids:
            del self._box.mail[uid]

    def _message(self, uid: int) -> Message:
        letter = self._box.mail[uid]
        raw = letter.raw
        header = Header.parse(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        key = MessageKey(ACCOUNT, self.name, self.uidvalidity, uid)
        return Message(key, len(raw), letter.received, letter.flags, header)
