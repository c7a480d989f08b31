"""Where reading a mailbox begins: at the cursor, or where there is none to trust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postroom.errors import TemporaryError
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


# Where no time is known: before any mail.
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Beginning:
    """The cursor to read on from, and messages below it that could not be read."""

    cursor: Cursor
    unread: Sequence[int] = ()


@dataclass(frozen=True)
class _Compared:
    """What comparing a mailbox brought to light: how many messages are unknown, those
    that have arrived, and those that could not be read."""

    unknown: int
    fresh: Sequence[int]
    unread: Sequence[int]


@dataclass(frozen=True)
class Bookmark:
    """Finds where reading begins, for the mailboxes of one account.

    With `notes_unread` what comes while a mailbox can't be read for the first time will
    have arrived; that takes the headers of all that is there.
    """

    account: str
    store: Store
    clock: Clock
    adopt_existing: bool
    sizes: BatchSizes
    notes_unread: bool = True

    async def find(self, mailbox: Mailbox, suspicion: Suspicion) -> Beginning:
        """The cursor of the mailbox. One that was never read is adopted or read whole;
        one whose UIDs are void is compared with what is known of it first."""
        cursor = await self.store.cursor(self.account, mailbox.name)
        if cursor is None:
            cursor = await self._begin(mailbox)
        if cursor.uidvalidity == mailbox.uidvalidity:
            if not await _have_fallen(mailbox, cursor):
                reason = await self._put_back(cursor)
                if reason:
                    return await self._hold_rest(mailbox, suspicion, cursor, reason)
                return Beginning(cursor)
            await self.store.void_uids(self.account, mailbox.name)
        return await self._begin_anew(mailbox, suspicion, cursor)

    async def note_unread(self, name: str, *, absent: bool) -> None:
        """Note that the mailbox can't be read now, or is not there. What was received
        since it could not be read first, or since it was last not there, will have
        arrived."""
        cursor = await self.store.cursor(self.account, name)
        is_first = cursor is None
        was_absent = cursor is not None and cursor.uidvalidity == _ABSENT
        notes = self.adopt_existing and self.notes_unread
        if notes and (is_first or (absent and was_absent)):
            unread = Cursor(_ABSENT, 0, self.clock.now())
            await self.store.adopt(self.account, name, unread)

    async def set(self, mailbox: Mailbox, cursor: Cursor) -> Cursor:
        """Have the mailbox read on from there."""
        await self.store.adopt(self.account, mailbox.name, cursor)
        return cursor

    async def _begin(self, mailbox: Mailbox) -> Cursor:
        if not self.adopt_existing:
            # Until all of it was read, nothing of it is older than the last look.
            return await self.set(mailbox, Cursor(mailbox.uidvalidity, 0, NEVER))
        uid, now = await mailbox.newest(), self.clock.now()
        return await self.set(mailbox, Cursor(mailbox.uidvalidity, uid, now))

    # -- a store that was put back -----------------------------------------------------

    async def _put_back(self, cursor: Cursor) -> str:
        """Why nothing may go out of what this cursor has not passed; empty where it was
        looked at since the store was put back, if ever that was."""
        restored = await self.store.restored()
        is_older = restored is not None and cursor.checked < restored.since
        return restored.reason if restored and is_older else ""

    async def _hold_rest(
        self, mailbox: Mailbox, suspicion: Suspicion, cursor: Cursor, reason: str
    ) -> Beginning:
        """Have all that is there now be decided, and nothing of it go out: it may have
        been done before, and the store that knew is gone."""
        newest, now = await mailbox.newest(), self.clock.now()
        uids = [uid for uid in await mailbox.uids_after(cursor.uid) if uid <= newest]
        names = {"account": self.account, "mailbox": mailbox.name}
        if uids:
            log.error("arrivals_held", **names, messages=len(uids), reason=reason)
        unread = set(uids)
        async for messages in self._read(mailbox, suspicion, uids):
            await self.store.note_arrived(messages, reason)
            unread -= {message.key.uid for message in messages}
        passed = Cursor(mailbox.uidvalidity, max(newest, cursor.uid), now)
        return Beginning(await self.set(mailbox, passed), sorted(unread))

    # -- UIDs that are void ------------------------------------------------------------

    async def _begin_anew(
        self, mailbox: Mailbox, suspicion: Suspicion, before: Cursor
    ) -> Beginning:
        """The server numbers its messages anew (RFC 3501, section 2.3.1.1).

        Those that are neither known by their fingerprint nor older than the last look
        have arrived. What was still to be done is done under the new numbers. All of
        that is on record before the cursor is set, so that a break begins it again.
        """
        names = {"account": self.account, "mailbox": mailbox.name}
        was_there = before.uidvalidity != _ABSENT
        if was_there:
            log.warning("uids_numbered_anew", **names)
        newest, now = await mailbox.newest(), self.clock.now()
        uids = [uid for uid in await mailbox.uids_after(0) if uid <= newest]
        found = await self._compare(mailbox, suspicion, uids, before.checked - _SKEW)
        fresh, counts = found.fresh, {"messages": len(uids), "unknown": found.unknown}
        log.info("mailbox_compared", **names, **counts, arrived=len(fresh))
        held = await self._put_back(before)
        if not held and was_there and fresh and found.unknown > _MOST_UNKNOWN:
            held = (
                "the server numbered its messages anew, "
                f"and {found.unknown} are unknown"
            )
            log.error("arrivals_held", **names, messages=len(fresh), reason=held)
        async for messages in self._read(mailbox, suspicion, fresh):
            await self.store.note_arrived(messages, held)
        place = (self.account, mailbox.name, mailbox.uidvalidity)
        await self.store.give_up_before(*place)
        cursor = Cursor(mailbox.uidvalidity, newest, now)
        return Beginning(await self.set(mailbox, cursor), found.unread)

    async def _compare(
        self,
        mailbox: Mailbox,
        suspicion: Suspicion,
        uids: Sequence[int],
        since: datetime,
    ) -> _Compared:
        """Have what is open go on under the new numbers, and tell what is strange."""
        fresh: list[int] = []
        unread = set(uids)
        unknown = 0
        async for messages in self._read(mailbox, suspicion, uids):
            unread -= {message.key.uid for message in messages}
            await self.store.carry_over(self.account, mailbox.name, messages)
            strange = await self.store.unknown(messages)
            unknown += len(strange)
            recent = (message for message in messages if message.received >= since)
            fresh += [each.key.uid for each in recent if each.key in strange]
        if len(unread) > _MOST_UNKNOWN:
            raise TemporaryError(f"the server hides {len(unread)} headers")
        return _Compared(unknown, fresh, sorted(unread))

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
            yield messages


async def _have_fallen(mailbox: Mailbox, cursor: Cursor) -> bool:
    """True if UIDs begin again below the cursor, though UIDVALIDITY is the same: what
    comes now would have UIDs that were passed already."""
    if mailbox.uidnext is None or mailbox.uidnext > cursor.uid:
        return False
    # Some tell a UIDNEXT that is wrong: the messages decide.
    return await mailbox.newest() < cursor.uid
