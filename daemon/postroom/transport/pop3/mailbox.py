"""INBOX of a POP3 account: what its maildrop holds, and what is here of it.

Invariant: a message is retrieved once. From then on it is a file in the account's
Maildir, and whatever is done to it is done there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from postroom.mail.message import Message
from postroom.mail.names import INBOX
from postroom.ports import Extent, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.pop3.collector import Collector
from postroom.transport.pop3.foresight import Foresight
from postroom.transport.pop3.inventory import Inventory


class PopMailbox:
    """The `Mailbox` of a POP3 account with a Maildir; made by its session."""

    def __init__(
        self,
        inventory: Inventory,
        collector: Collector,
        foresight: Foresight,
        inbox: MaildirMailbox,
        uidnext: int,
    ) -> None:
        self._inventory = inventory
        self._collector = collector
        self._foresight = foresight
        self._inbox = inbox
        self._uidnext = uidnext
        self._found: set[int] = set()

    @property
    def name(self) -> str:
        """A maildrop is the one mailbox of its account."""
        return INBOX

    @property
    def delimiter(self) -> str | None:
        """That of the Maildir."""
        return self._inbox.delimiter

    @property
    def uidvalidity(self) -> int:
        """The account's: UIDs are given here."""
        return self._inventory.uidvalidity

    @property
    def uidnext(self) -> int | None:
        """The lowest UID that is not given yet."""
        return self._uidnext

    @property
    def pushes(self) -> bool:
        """No maildrop tells by itself when something arrives."""
        return False

    async def newest(self) -> int:
        """The highest UID that was given."""
        return self._uidnext - 1

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid` that the maildrop lists, or that lie in the Maildir."""
        here = await self._inbox.uids_after(uid)
        self._found.update(here)
        inventory = self._inventory
        listed = {each for each in inventory.listed if each > uid}
        # What nobody has looked at yet and is not here either is retrieved again.
        unhandled = listed & inventory.unhandled - inventory.fresh
        there = {*inventory.unstored(listed), *unhandled}
        return sorted({*here, *there} - inventory.void)

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, retrieved if they are not here yet."""
        await self._foresight.end()
        unnoted = self._found.intersection(uids) - self._inventory.stored
        await self._collector.note_found(sorted(unnoted))
        await self._miss(uids)
        if wanted := self._inventory.retrievable(uids):
            await self._collector.collect(wanted)
        asked = set(uids) - self._inventory.void
        fresh = self._collector.take_fresh(asked)
        here = await self._inbox.headers(sorted(asked - fresh.keys()))
        found = {message.key.uid: message for message in here} | fresh
        self._look_ahead(max(uids, default=0), 2 * len(uids))
        return [found[uid] for uid in sorted(found)]

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, which are here."""
        return await self._inbox.contents(uids)

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these that are here, or are there and were not retrieved."""
        return await self._inbox.present(uids) | {*self._inventory.unstored(uids)}

    async def changed(self) -> None:
        """Wait for ever: nothing tells."""
        await self._inbox.changed()

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags in the Maildir."""
        return await self._inbox.set_flags(uids, change)

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy into another folder of the Maildir."""
        return await self._inbox.copy(uids, target)

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move into another folder of the Maildir."""
        return await self._inbox.move(uids, target)

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """None: a Maildir needs none."""
        return await self._inbox.extent(target, move=move)

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """End a copy or move that was cut off."""
        return await self._inbox.resume(begun, target, move=move)

    async def trash_name(self) -> str:
        """The Maildir's Trash."""
        return await self._inbox.trash_name()

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """The folder that each of these names means."""
        return await self._inbox.meant_by(names)

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these from the Maildir for good; the maildrop is another matter."""
        return await self._inbox.expunge(uids)

    async def _miss(self, uids: Sequence[int]) -> None:
        """Note which of these were stored before and are here no more: in another
        Maildir, or gone with one that was lost."""
        inventory = self._inventory
        before = inventory.stored.intersection(uids, inventory.listed) - inventory.fresh
        if before:
            inventory.lose(before - await self._inbox.present(sorted(before)))

    def _look_ahead(self, uid: int, most: int) -> None:
        """Retrieve meanwhile what is likely to be asked for next: batches grow."""
        listed = sorted(each for each in self._inventory.listed if each > uid)
        self._foresight.begin(self._inventory.retrievable(listed)[:most])
