"""Copy, move, mark and expunge by UID, and tell only what the server gave proof of.

Servers answer OK for messages that are gone: COPYUID, untagged data or a look at what
is left are proof. Nothing but these UIDs is ever expunged.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from postroom.errors import PermanentError
from postroom.ports import Placement
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import Refused, Vanished
from postroom.transport.imap.responses import copied, count_of, fetched
from postroom.transport.imap.tokens import Value
from postroom.transport.imap.wire import Part, string, uid_sets

_DELETED = b"(\\Deleted)"
_ABSENT = {"TRYCREATE", "NONEXISTENT"}


@dataclass(frozen=True)
class Target:
    """A mailbox to put messages into: its name to the user, and to the server."""

    name: str
    encoded: str


class Filing:
    """What can be done to the messages of the selected mailbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(
        self, uids: Collection[int], items: bytes
    ) -> dict[int, dict[str, Value]]:
        """These items of these messages, ascending; what is gone is left out."""
        found: dict[int, dict[str, Value]] = {}
        for uid_set in uid_sets(uids):
            exchange = await self._ask("UID FETCH", uid_set, items)
            with self._connection.reading():
                found |= fetched(exchange.frames)
        return {uid: found[uid] for uid in sorted(found.keys() & set(uids))}

    async def present(self, uids: Collection[int]) -> frozenset[int]:
        """Those of these messages that are there."""
        return frozenset(await self.fetch(uids, b"(UID)"))

    async def store(
        self, uids: Collection[int], change: bytes, flags: bytes
    ) -> frozenset[int]:
        """Change flags in one command; the messages that were there."""
        found: set[int] = set()
        for uid_set in uid_sets(uids):
            exchange = await self._ask("UID STORE", uid_set, change, flags)
            with self._connection.reading():
                found |= fetched(exchange.frames).keys() & set(uids)
        return frozenset(found | await self.present(set(uids) - found))

    async def copy(self, uids: Collection[int], target: Target) -> dict[int, Placement]:
        """Copy, making the target if it is absent."""
        placed: dict[int, Placement] = {}
        untold = False
        for uid_set in uid_sets(uids):
            exchange = await self._transfer("UID COPY", uid_set, target)
            told = self._told(exchange, uids, target)
            placed |= told or {}
            untold = untold or told is None
        if untold:
            # What is still here was here to be copied.
            for uid in await self.present(set(uids) - placed.keys()):
                placed[uid] = Placement(target.name)
        return placed

    async def move(self, uids: Collection[int], target: Target) -> dict[int, Placement]:
        """Move, making the target if it is absent."""
        if not self._can("MOVE"):
            return await self._move_by_steps(uids, target)
        there = uids if self._can("UIDPLUS") else await self.present(uids)
        placed: dict[int, Placement] = {}
        untold = False
        for uid_set in uid_sets(there):
            exchange = await self._transfer("UID MOVE", uid_set, target)
            told = self._told(exchange, there, target)
            placed |= told or {}
            untold = untold or (told is None and self._moved_any(exchange))
        if untold:
            missing = set(there) - placed.keys()
            for uid in missing - await self.present(missing):
                placed[uid] = Placement(target.name)
        return placed

    async def expunge(self, uids: Collection[int]) -> frozenset[int]:
        """Remove these messages for good; those that were there."""
        if not self._can("UIDPLUS"):
            raise PermanentError(
                "the server can't expunge single messages (no UIDPLUS)"
            )
        there = await self.store(uids, b"+FLAGS", _DELETED)
        await self._expunge(there)
        return there

    async def _move_by_steps(
        self, uids: Collection[int], target: Target
    ) -> dict[int, Placement]:
        placed = await self.copy(uids, target)
        for uid_set in uid_sets(placed):
            await self._ask("UID STORE", uid_set, b"+FLAGS.SILENT", _DELETED)
        # RFC 3501, section 6.4.3: EXPUNGE would take what others have marked as well.
        # Without UIDPLUS the messages stay, marked, until their owner expunges.
        if self._can("UIDPLUS"):
            await self._expunge(placed)
        return placed

    async def _expunge(self, uids: Collection[int]) -> None:
        for uid_set in uid_sets(uids):
            await self._ask("UID EXPUNGE", uid_set)

    async def _transfer(self, verb: str, uid_set: bytes, target: Target) -> Exchange:
        name = string(target.encoded)
        try:
            return await self._ask(verb, uid_set, name)
        except Refused as refusal:
            if refusal.code.name not in _ABSENT:
                raise
        await self._create(target)
        return await self._ask(verb, uid_set, name)

    async def _ask(self, name: str, *parts: Part) -> Exchange:
        try:
            return await self._connection.run_long(name, *parts)
        except Vanished:
            # RFC 5530, section 3: the session learns by NOOP what is left to be asked.
            await self._connection.run("NOOP")
            return await self._connection.run_long(name, *parts)

    async def _create(self, target: Target) -> None:
        name = string(target.encoded)
        try:
            await self._connection.run("CREATE", name)
        except Refused as refusal:
            # Another program may have been quicker (RFC 5530, section 3).
            if refusal.code.name != "ALREADYEXISTS":
                raise
        with suppress(PermanentError):  # a mailbox serves without a subscription, too
            await self._connection.run("SUBSCRIBE", name)

    def _told(
        self, exchange: Exchange, uids: Collection[int], target: Target
    ) -> dict[int, Placement] | None:
        """What COPYUID tells, if it came (RFC 4315, section 3)."""
        with self._connection.reading():
            told = copied(exchange.codes, uids)
        if told is None:
            return None
        return {
            source: Placement(target.name, told.uidvalidity, uid)
            for source, uid in told.uids.items()
        }

    def _moved_any(self, exchange: Exchange) -> bool:
        """False if the server would have told of what it moved."""
        counts = map(count_of, exchange.frames)
        return not self._can("UIDPLUS") or any(
            count is not None and count[0] == "EXPUNGE" for count in counts
        )

    def _can(self, capability: str) -> bool:
        return capability in self._connection.capabilities
