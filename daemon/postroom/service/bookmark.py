"""Where reading a mailbox begins: at the cursor, or where there is none to trust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postroom.log import get_logger
from postroom.mail.message import Message
from postroom.ports import Clock, Cursor, Mailbox, Store
from postroom.service.batches import BatchSizes
from postroom.service.suspicion import Suspicion

log = get_logger()

# After a reset of UIDs: what was received before the last look, less this, was seen
# then. The server's clock and ours may differ by so much.
_SKEW = timedelta(minutes=5)
# After a reset of UIDs: with more unknown messages than these nothing goes out.
_MOST_UNKNOWN = 50
# The UIDVALIDITY of a mailbox that was not there: no server has it.
_ABSENT = -(2**32)


@dataclass(frozen=True)
class Bookmark:
    """Finds where reading begins, for the mailboxes of one account."""

    account: str
    store: Store
    clock: Clock
    adopt_existing: bool
    sizes: BatchSizes

    async def find(self, mailbox: Mailbox, suspicion: Suspicion) -> Cursor:
        """The cursor of the mailbox. One that was never read is adopted or read whole;
        one whose UIDs are void is compared with what is known of it first."""
        cursor = await self.store.cursor(self.account, mailbox.name)
        if cursor is None:
            uid = await mailbox.newest() if self.adopt_existing else 0
            return await self.set(mailbox, uid)
        if cursor.uidvalidity == mailbox.uidvalidity:
            if not await _have_fallen(mailbox, cursor):
                return cursor
            await self.store.void_uids(self.account, mailbox.name)
        return await self._begin_anew(mailbox, suspicion, cursor)

    async def set(self, mailbox: Mailbox, uid: int) -> Cursor:
        """Have the mailbox read on from behind this UID."""
        cursor = self.cursor(mailbox, uid)
        await self.store.adopt(self.account, mailbox.name, cursor)
        return cursor

    async def note_absent(self, name: str) -> None:
        """Note that there is no such mailbox now: what it holds when it is there, and
        is no older than this, will have arrived."""
        known = await self.store.cursor(self.account, name)
        if self.adopt_existing and known is None:
            cursor = Cursor(_ABSENT, 0, self.clock.now())
            await self.store.adopt(self.account, name, cursor)

    def cursor(self, mailbox: Mailbox, uid: int) -> Cursor:
        """The cursor behind this UID."""
        return Cursor(mailbox.uidvalidity, uid, self.clock.now())

    # -- UIDs that are void ------------------------------------------------------------

    async def _begin_anew(
        self, mailbox: Mailbox, suspicion: Suspicion, before: Cursor
    ) -> Cursor:
        """The server numbers its messages anew (RFC 3501, section 2.3.1.1).

        Those that are neither known by their fingerprint nor older than the last look
        have arrived. What was still to be done is done under the new numbers. All of
        that is on record before the cursor is set, so that a break begins it again.
        """
        names = {"account": self.account, "mailbox": mailbox.name}
        log.warning("uids_numbered_anew", **names)
        since = before.checked - _SKEW
        newest = await mailbox.newest()
        uids = [uid for uid in await mailbox.uids_after(0) if uid <= newest]
        fresh: list[int] = []
        unknown = 0
        async for messages in self._read(mailbox, suspicion, uids):
            await self.store.carry_over(self.account, mailbox.name, messages)
            strange = await self.store.unknown(messages)
            unknown += len(strange)
            recent = (message for message in messages if message.received >= since)
            fresh += [each.key.uid for each in recent if each.key in strange]
        held = ""
        was_there = before.uidvalidity != _ABSENT
        if was_there and fresh and unknown > _MOST_UNKNOWN:
            held = f"the server numbered its messages anew, and {unknown} are unknown"
            log.error("arrivals_held", **names, messages=len(fresh), reason=held)
        async for messages in self._read(mailbox, suspicion, fresh):
            await self.store.note_arrived(messages, held)
        place = (self.account, mailbox.name, mailbox.uidvalidity)
        await self.store.give_up_before(*place)
        return await self.set(mailbox, newest)

    async def _read(
        self, mailbox: Mailbox, suspicion: Suspicion, uids: Sequence[int]
    ) -> AsyncIterator[list[Message]]:
        """The headers of these, in batches; what can't be fetched is passed over."""
        for batch in suspicion.split(uids, self.sizes):
            now = self.clock.monotonic()
            if suspicion.verdict(batch, now):
                continue
            with suspicion.watching(batch, now):
                messages = await mailbox.headers(batch)
            if missing := set(batch) - {message.key.uid for message in messages}:
                log.warning("headers_missing", mailbox=mailbox.name, uids=len(missing))
            yield messages


async def _have_fallen(mailbox: Mailbox, cursor: Cursor) -> bool:
    """True if UIDs begin again below the cursor, though UIDVALIDITY is the same: what
    comes now would have UIDs that were passed already."""
    if mailbox.uidnext is None or mailbox.uidnext > cursor.uid:
        return False
    # Some tell a UIDNEXT that is wrong: the messages decide.
    return await mailbox.newest() < cursor.uid
