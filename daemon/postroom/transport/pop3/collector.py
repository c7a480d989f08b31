"""From the maildrop into the Maildir: retrieved, durable, noted; in that order.

Invariant: nothing is noted as stored before it is durable in the Maildir, and what is
there is not retrieved again. While one batch is made durable the next one comes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from postroom.errors import PermanentError, TemporaryError
from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.mail.arrival import arrived
from postroom.mail.header import Header, find_blank_line
from postroom.mail.message import Message, MessageKey
from postroom.mail.names import INBOX
from postroom.ports import Listed, Maildrops, Stored
from postroom.transport.maildir.delivery import NameTaken
from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.maildir.maildir import Letter, Maildir
from postroom.transport.maildir.names import base
from postroom.transport.pop3.incoming import (
    HEAD,
    Broken,
    Incoming,
    Spooled,
    Whole,
    discard,
)
from postroom.transport.pop3.inventory import Inventory

log = get_logger()

# So much is made durable at a time; as much again may come meanwhile.
_BATCH_OCTETS = 4 * 1024**2
_BATCH_LETTERS = 100
# A message without a name at which so many connections ended is not asked for again.
_MOST_BREAKS = 3


@dataclass
class _Batch:
    """Messages that are to be made durable together."""

    members: list[tuple[Listed, Whole | Spooled]] = field(default_factory=list)
    octets: int = 0

    def add(self, listed: Listed, message: Whole | Spooled) -> None:
        """Take one more."""
        self.members.append((listed, message))
        self.octets += listed.size

    @property
    def messages(self) -> list[Whole | Spooled]:
        """What came."""
        return [message for _, message in self.members]

    @property
    def is_full(self) -> bool:
        """True if no more are to be waited for."""
        return self.octets >= _BATCH_OCTETS or len(self.members) >= _BATCH_LETTERS


_Keep = Callable[[_Batch], Coroutine[Any, Any, None]]


class _Background:
    """One piece of work at a time beside another; its error is raised by the next."""

    def __init__(self, keep: _Keep) -> None:
        self._keep = keep
        self._task: asyncio.Task[None] | None = None

    async def begin(self, batch: _Batch) -> None:
        """Begin to keep these when what was begun before has ended well."""
        try:
            await self.end()
        except BaseException:
            await asyncio.to_thread(discard, batch.messages)
            raise
        self._task = asyncio.create_task(self._keep(batch))

    async def end(self) -> None:
        """Wait for what was begun."""
        task, self._task = self._task, None
        if task:
            await task


@dataclass(frozen=True)
class Collector:
    """Collects the mail of one session.

    `careful`: the server hides what was retrieved, so that each message is made durable
    and noted before the next one is asked for. `fresh` are messages that were collected
    and need not be read from the disk again; they are taken when they are asked for.
    `breaks` counts how often the connection ended at messages that have no name.
    """

    account: str
    incoming: Incoming
    maildir: Maildir
    inbox: MaildirMailbox
    memory: Maildrops
    inventory: Inventory
    now: Callable[[], datetime]
    breaks: Counter[Listed]
    careful: bool = False
    fresh: dict[int, Message] = field(default_factory=dict)

    async def identify(self, listing: Sequence[Listed]) -> None:
        """Retrieve those that only their octets tell apart, and store the new ones; but
        for those at which the connection ended again and again."""
        wanted = [each for each in listing if self.breaks[each] < _MOST_BREAKS]
        try:
            await self._retrieve(wanted, self._recognise)
        except Broken as error:
            self.breaks[error.listed] += 1
            if self.breaks[error.listed] == _MOST_BREAKS:
                name = {"number": error.listed.number, "octets": error.listed.size}
                log.error("message_left", account=self.account, **name)
            raise

    async def collect(self, uids: Sequence[int]) -> None:
        """Have these in the Maildir, but for those that the server refuses."""
        wanted = [self.inventory.listed[uid] for uid in uids]
        try:
            await self._retrieve(wanted, self._store)
        except Broken as error:
            uid = self.inventory.of(error.listed).uid
            await self.memory.note_broken(self.account, uid)
            raise

    def take_fresh(self, uids: Collection[int]) -> dict[int, Message]:
        """Those of these that were collected, and not taken yet."""
        return {uid: self.fresh.pop(uid) for uid in uids if uid in self.fresh}

    async def note_found(self, uids: Sequence[int]) -> None:
        """Note as stored what is in the Maildir, and was not noted before a break."""
        if uids:
            await asyncio.to_thread(self.maildir.sync)
            found = await self.inbox.digests(uids)
            await self._note([Stored(*each) for each in found.items()])

    # -- insides -----------------------------------------------------------------------

    async def _retrieve(self, listing: Sequence[Listed], keep: _Keep) -> None:
        storing, batch = _Background(keep), _Batch()
        window = 1 if self.careful else None
        try:
            async with self.incoming.messages(listing, window) as messages:
                async for listed, message in messages:
                    batch.add(listed, message)
                    if self.careful or batch.is_full:
                        full, batch = batch, _Batch()
                        await storing.begin(full)
                    if self.careful:
                        await storing.end()
        finally:
            # What has come need not come again, whatever ended it.
            await storing.begin(batch)
            await storing.end()

    async def _recognise(self, batch: _Batch) -> None:
        hashes = {listed: message.hash for listed, message in batch.members}
        items = await self.memory.identify(self.account, hashes)
        self.inventory.add(hashes, items)
        is_new = {listed: not items[listed.number].stored for listed in hashes}
        known = [message for listed, message in batch.members if not is_new[listed]]
        await asyncio.to_thread(discard, known)
        await self._store(_Batch([each for each in batch.members if is_new[each[0]]]))

    async def _store(self, batch: _Batch) -> None:
        if batch.members:
            try:
                stored, there = await asyncio.to_thread(self._put, batch)
            except (PermanentError, TemporaryError):
                await asyncio.to_thread(discard, batch.messages)
                raise
            reach(Point.P3)
            await self._note(stored)
            await self.note_found(sorted(there))

    def _put(self, batch: _Batch) -> tuple[list[Stored], set[int]]:
        """Make them durable in INBOX; and the UIDs of those that are there already, not
        quite the same: the server has changed a message after it was retrieved."""
        stored: dict[int, Stored] = {}
        letters: dict[str, Letter] = {}
        uids: dict[str, int] = {}
        taken: set[int] = set()
        for listed, message in batch.members:
            item = self.inventory.of(listed)
            header = Header.parse(message.head)
            received = arrived(header, self.now())
            name = base(item.since, item.uid, self.inventory.uidvalidity)
            uids[name] = item.uid
            stored[item.uid] = Stored(item.uid, message.hash)
            if isinstance(message, Whole):
                letters[name] = Letter(name, message.octets, received)
                fresh = self._message(item.uid, message.octets, header, received)
                self.fresh[item.uid] = fresh
                continue
            try:
                message.draft.deliver(name, received)
            except NameTaken:
                taken.add(item.uid)
        try:
            there = self.maildir.put([*letters.values()])
            self.inbox.expect({uids[name]: each for name, each in there.items()})
        except NameTaken as error:
            taken |= {uids[name] for name in error.bases}
        for uid in taken:
            self.fresh.pop(uid, None)
        return [each for uid, each in stored.items() if uid not in taken], taken

    async def _note(self, stored: Sequence[Stored]) -> None:
        """Note them; what is only known by another name is not there twice."""
        if not stored:
            return
        if doubt := self.inventory.doubt:
            # First, or a break would have them taken for others.
            messages = await self.inbox.headers([each.uid for each in stored])
            await self.memory.note_arrived(messages, doubt)
        void = await self.memory.note_stored(self.account, stored)
        self.inventory.note_stored((each.uid for each in stored), void)
        if void:
            log.info("messages_renamed", account=self.account, messages=len(void))
            await self.inbox.expunge(sorted(void))

    def _message(
        self, uid: int, octets: bytes, header: Header, received: datetime
    ) -> Message:
        key = MessageKey(self.account, INBOX, self.inventory.uidvalidity, uid)
        # As it is read from the disk: with CR before each LF.
        size = len(octets) + octets.count(b"\n") - octets.count(b"\r\n")
        excerpt = len(octets) > HEAD and not find_blank_line(octets, HEAD)
        return Message(key, size, received, frozenset(), header, excerpt=excerpt)
