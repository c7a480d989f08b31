"""Where reading a mailbox begins: at the cursor, or where there is none to trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from postroom.log import get_logger
from postroom.ports import Clock, Cursor, Mailbox, Store
from postroom.service.batches import BatchSizes

log = get_logger()

# After a reset of UIDs: what is older than the last look, less this, was seen before.
_OVERLAP = timedelta(days=1)


@dataclass(frozen=True)
class Beginning:
    """The cursor to read on from. With `fresh`, these UIDs below it are to be handled
    first, and the cursor is to be set only then."""

    cursor: Cursor
    fresh: Sequence[int] = ()
    is_set: bool = True


@dataclass(frozen=True)
class Bookmark:
    """Finds where reading begins, for the mailboxes of one account."""

    account: str
    store: Store
    clock: Clock
    adopt_existing: bool
    sizes: BatchSizes

    async def find(self, mailbox: Mailbox) -> Beginning:
        """The cursor of the mailbox. One that was never read is adopted or read whole;
        one whose UIDs are void is compared with what is known of it."""
        cursor = await self.store.cursor(self.account, mailbox.name)
        if cursor is None:
            return Beginning(await self._begin(mailbox))
        if cursor.uidvalidity != mailbox.uidvalidity:
            return await self._begin_anew(mailbox, cursor)
        return Beginning(cursor)

    async def set(self, mailbox: Mailbox, cursor: Cursor) -> None:
        """Have the mailbox read on from there."""
        await self.store.adopt(self.account, mailbox.name, cursor)

    def cursor(self, mailbox: Mailbox, uid: int) -> Cursor:
        """The cursor behind this UID."""
        return Cursor(mailbox.uidvalidity, uid, self.clock.now())

    async def _begin(self, mailbox: Mailbox) -> Cursor:
        uid = await mailbox.newest() if self.adopt_existing else 0
        cursor = self.cursor(mailbox, uid)
        await self.set(mailbox, cursor)
        return cursor

    async def _begin_anew(self, mailbox: Mailbox, before: Cursor) -> Beginning:
        """The server numbers its messages anew (RFC 3501, section 2.3.1.1).

        Fresh are only those that are neither known by their fingerprint nor as old as
        the last look. What was still to be done is done under the new numbers.
        """
        log.warning("uidvalidity_changed", account=self.account, mailbox=mailbox.name)
        newest = await mailbox.newest()
        fresh: list[int] = []
        for batch in self.sizes.split(await mailbox.uids_after(0)):
            messages = await mailbox.headers([uid for uid in batch if uid <= newest])
            await self.store.carry_over(self.account, mailbox.name, messages)
            known = await self.store.known(messages)
            recent = [m for m in messages if m.received >= before.checked - _OVERLAP]
            fresh += [m.key.uid for m in recent if m.key not in known]
        place = (self.account, mailbox.name, mailbox.uidvalidity)
        await self.store.give_up_before(*place)
        return Beginning(self.cursor(mailbox, newest), fresh, is_set=False)
