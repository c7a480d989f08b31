"""From the maildrop into the Maildir: retrieved, durable, noted; in that order.

Invariant: nothing is noted as stored before it is durable in the Maildir, and what is
there is not retrieved again. While one batch is made durable the next one comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    def is_full(self) -> bool:
        """True if no more are to be waited for."""
        return self.octets >= _BATCH_OCTETS or len(self.members) >= _BATCH_LETTERS


_Keep = Callable[[_Batch], Coroutine[Any, Any, None]]


class _Background:
    """One piece of work at a time beside another; its error is raised by the next."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin this when what was begun before has ended."""
        try:
            await self.end()
        except BaseException:
            work.close()
            raise
        self._task = asyncio.create_task(work)

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
    """

    account: str
    incoming: Incoming
    maildir: Maildir
    inbox: MaildirMailbox
    memory: Maildrops
    inventory: Inventory
    now: Callable[[], datetime]
    careful: bool = False
    fresh: dict[int, Message] = field(default_factory=dict)

    async def identify(self, listing: Sequence[Listed]) -> None:
        """Retrieve those that only their octets tell apart, and store the new ones."""
        await self._retrieve(listing, self._recognise)

    async def collect(self, uids: Sequence[int]) -> None:
        """Have these in the Maildir, but for those that the server refuses."""
        await self._retrieve([self.inventory.listed[uid] for uid in uids], self._store)

    def take_fresh(self, uids: Collection[int]) -> dict[int, Message]:
        """Those of these that were collected, and not taken yet."""
        return {uid: self.fresh.pop(uid) for uid in uids if uid in self.fresh}

    async def note_found(self, uids: Sequence[int]) -> None:
        """Note as stored what is in the Maildir, and was not noted before a break."""
        if uids:
            found = await self.inbox.digests(uids)
            await self._note([Stored(*each) for each in found.items()])

    # -- insides -----------------------------------------------------------------------

    async def _retrieve(
        self,
        listing: Sequence[Listed],
        keep: _Keep,
    ) -> None:
        storing, batch = _Background(), _Batch()
        window = 1 if self.careful else None
        try:
            async with self.incoming.messages(listing, window) as messages:
                async for listed, message in messages:
                    batch.add(listed, message)
                    if self.careful or batch.is_full:
                        full, batch = batch, _Batch()
                        await storing.begin(keep(full))
                    if self.careful:
                        await storing.end()
        finally:
            # What has come need not come again, whatever ended it.
            await storing.begin(keep(batch))
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
            stored, there = await asyncio.to_thread(self._put, batch)
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
            self.maildir.put([*letters.values()])
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
