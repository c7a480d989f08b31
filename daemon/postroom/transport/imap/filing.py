"""Copy, move, mark and expunge by UID, and tell only what the server gave proof of.

Servers answer OK for messages that are gone: COPYUID, untagged data or a look at what
is left are proof. Nothing but these UIDs is ever expunged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from postroom.errors import PermanentError
from postroom.failpoints import Point, reach
from postroom.ports import Halfway, Placement
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.directory import Target
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import Deferred, Refused, Vanished
from postroom.transport.imap.fetching import Items, fetched, merge
from postroom.transport.imap.responses import Code, copied, removed_by, searched
from postroom.transport.imap.wire import Part, string, uid_sets

_DELETED = b"(\\Deleted)"


@contextmanager
def telling_copies(placed: Mapping[int, Placement]) -> Iterator[None]:
    """Raise `Halfway` where what was copied to these places may not be removed."""
    try:
        yield
    except PermanentError as error:
        raise Halfway(str(error), placed) from error


class Filing:
    """What can be done to the messages of the selected mailbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def can(self, capability: str) -> bool:
        """True if the server has this capability."""
        return capability in self._connection.capabilities

    def reading(self) -> AbstractContextManager[None]:
        """End the connection if an answer can't be understood."""
        return self._connection.reading()

    async def fetch(self, uids: Collection[int], items: bytes) -> dict[int, Items]:
        """These items of these messages, ascending; what is gone is left out."""
        return await self._ask_each("UID FETCH", uids, items)

    async def search(self, *keys: Part) -> set[int]:
        """The messages that these keys match."""
        exchange = await self._ask("UID SEARCH", *keys)
        with self._connection.reading():
            return searched(exchange.frames)

    async def present(self, uids: Collection[int]) -> frozenset[int]:
        """Those of these messages that are there."""
        return frozenset(await self.fetch(uids, b"(UID)"))

    async def store(
        self, uids: Collection[int], change: bytes, flags: bytes
    ) -> dict[int, Items]:
        """Change flags in one command; the messages that were there, and what the
        server told of each of them."""
        found = await self._ask_each("UID STORE", uids, change, flags)
        untold = await self.present(set(uids) - found.keys())
        return found | {uid: {} for uid in untold}

    async def copy(self, uids: Collection[int], target: Target) -> dict[int, Placement]:
        """Copy, making the target if it is absent."""
        placed, untold = await self._transfer_all("UID COPY", uids, target)
        if untold:
            # What is still here was here to be copied.
            for uid in await self.present(set(uids) - placed.keys()):
                placed[uid] = Placement(target.name)
        return placed

    async def move(self, uids: Collection[int], target: Target) -> dict[int, Placement]:
        """Move, making the target if it is absent."""
        if not self.can("MOVE"):
            return await self._move_by_steps(uids, target)
        there = uids if self.can("UIDPLUS") else await self.present(uids)
        placed, untold = await self._transfer_all("UID MOVE", there, target)
        if any(map(self._moved_any, untold)):
            missing = set(there) - placed.keys()
            for uid in missing - await self.present(missing):
                placed[uid] = Placement(target.name)
        return placed

    async def expunge(self, uids: Collection[int]) -> frozenset[int]:
        """Remove these messages for good; those that were there."""
        if not self.can("UIDPLUS"):
            raise PermanentError(
                "the server can't expunge single messages (no UIDPLUS)"
            )
        return await self.remove(uids)

    async def remove(self, uids: Collection[int]) -> frozenset[int]:
        """Mark these messages, and remove them where it can be done; those there."""
        there = frozenset(await self.store(uids, b"+FLAGS", _DELETED))
        await self._clear(there)
        return there

    async def _move_by_steps(
        self, uids: Collection[int], target: Target
    ) -> dict[int, Placement]:
        placed = await self.copy(uids, target)
        reach(Point.C15)
        with telling_copies(placed):
            for uid_set in uid_sets(placed):
                await self._ask("UID STORE", uid_set, b"+FLAGS.SILENT", _DELETED)
            await self._clear(placed)
        return placed

    async def _clear(self, uids: Collection[int]) -> None:
        """Expunge what was marked."""
        # RFC 3501, section 6.4.3: EXPUNGE would take what others have marked as well.
        # Without UIDPLUS the messages stay, marked, until their owner expunges.
        reach(Point.C16)
        for uid_set in uid_sets(uids) if self.can("UIDPLUS") else ():
            await self._ask("UID EXPUNGE", uid_set)

    async def _transfer_all(
        self, verb: str, uids: Collection[int], target: Target
    ) -> tuple[dict[int, Placement], list[Exchange]]:
        """Where those went that the server told of, and its answers that told nothing.

        A refusal is raised, unless part was done and told before: what is left out then
        is for the next time.
        """
        placed: dict[int, Placement] = {}
        untold: list[Exchange] = []
        for uid_set in uid_sets(uids):
            try:
                exchange = await self._transfer(verb, uid_set, target)
            except (Refused, Deferred) as refusal:
                # RFC 6851, section 3.3: some may have been moved nevertheless.
                placed |= self._told(refusal.codes, uids, target) or {}
                if untold or not placed:
                    raise
                break
            told = self._told(exchange.codes, uids, target)
            placed |= told or {}
            untold += [exchange] if told is None else []
        return placed, untold

    async def _transfer(self, verb: str, uid_set: bytes, target: Target) -> Exchange:
        directory = self._connection.directory
        place = directory.target(target.name)  # by now more may be known of it
        try:
            return await self._ask(verb, uid_set, string(place.encoded))
        except Refused as refusal:
            if any(code.name == "COPYUID" for code in refusal.codes):
                raise  # some arrived, so that it is there
            place = await directory.provide(place, refusal)
        return await self._ask(verb, uid_set, string(place.encoded))

    async def _ask_each(
        self, verb: str, uids: Collection[int], *parts: Part
    ) -> dict[int, Items]:
        """What the server tells of these messages, ascending."""
        wanted = set(uids)
        found: dict[int, Items] = {}
        for uid_set in uid_sets(uids):
            exchange = await self._ask(verb, uid_set, *parts)
            with self._connection.reading():
                told = fetched(exchange.frames)
                for uid in told.keys() & wanted:
                    merge(found, uid, told[uid])
        return {uid: found[uid] for uid in sorted(found)}

    async def _ask(self, name: str, *parts: Part) -> Exchange:
        try:
            return await self._connection.run_long(name, *parts)
        except Vanished:
            # RFC 5530, section 3: the session learns by NOOP what is left to be asked.
            await self._connection.run("NOOP")
            return await self._connection.run_long(name, *parts)

    def _told(
        self, codes: Iterable[Code], uids: Collection[int], target: Target
    ) -> dict[int, Placement] | None:
        """What COPYUID tells, if it came and can be read (RFC 4315, section 3)."""
        told = copied(codes, uids)
        if told is None:
            return None
        return {
            source: Placement(target.name, told.uidvalidity, uid)
            for source, uid in told.uids.items()
        }

    def _moved_any(self, exchange: Exchange) -> bool:
        """False if the server would have told of what it moved."""
        return not self.can("UIDPLUS") or any(map(removed_by, exchange.frames))
