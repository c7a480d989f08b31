"""INBOX of a POP3 account that stores nothing here: it is looked at, and stays.

Invariant: what is in the maildrop is not changed, and nothing is written on this disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

from postroom.errors import PermanentError
from postroom.mail.arrival import arrived
from postroom.mail.header import Header, find_blank_line
from postroom.mail.message import Message, MessageKey
from postroom.mail.names import INBOX
from postroom.ports import Extent, Listed, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.incoming import HEAD
from postroom.transport.pop3.inventory import Inventory

_NO_MAILDIR = "the account has no Maildir to do it in (maildir = false)"


class RemoteMailbox:
    """The `Mailbox` of a POP3 account without a Maildir; made by its session."""

    def __init__(
        self,
        account: str,
        connection: Connection,
        inventory: Inventory,
        now: Callable[[], datetime],
        uidnext: int,
    ) -> None:
        self._account = account
        self._connection = connection
        self._inventory = inventory
        self._now = now
        self._uidnext = uidnext

    @property
    def name(self) -> str:
        """A maildrop is the one mailbox of its account."""
        return INBOX

    @property
    def delimiter(self) -> str | None:
        """None: there are no other mailboxes."""
        return None

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
        """All UIDs above `uid` that the maildrop lists."""
        return sorted(each for each in self._inventory.listed if each > uid)

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, by TOP; whole where the server has none."""
        listed = self._inventory.listed
        numbers = {listed[uid].number: uid for uid in uids if uid in listed}
        found = await self._connection.headers(sorted(numbers))
        if not found:
            found = await self._heads([listed[uid] for uid in numbers.values()])
        messages = [
            self._message(numbers[number], octets) for number, octets in found.items()
        ]
        return sorted(messages, key=lambda message: message.key.uid)

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, retrieved and left there."""
        listed = self._inventory.listed
        numbers = {listed[uid].number: uid for uid in uids if uid in listed}
        wanted = [listed[uid] for uid in numbers.values()]
        contents: dict[int, bytearray] = {}
        refused = set()
        async with aclosing(self._connection.retrieve(wanted)) as pieces:
            async for piece in pieces:
                uid = numbers[piece.number]
                contents.setdefault(uid, bytearray()).extend(piece.octets)
                if piece.refusal:
                    refused.add(uid)
        return {uid: bytes(o) for uid, o in contents.items() if uid not in refused}

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these that are listed."""
        return frozenset(uid for uid in uids if uid in self._inventory.listed)

    async def changed(self) -> None:
        """Wait for ever: nothing tells."""
        await asyncio.Event().wait()

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Refused: a maildrop keeps no flags."""
        raise PermanentError(_NO_MAILDIR)

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Refused: there is no other mailbox."""
        raise PermanentError(_NO_MAILDIR)

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Refused: there is no other mailbox."""
        raise PermanentError(_NO_MAILDIR)

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """None: there is no other mailbox."""
        return None

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """Refused: there is no other mailbox."""
        raise PermanentError(_NO_MAILDIR)

    async def trash_name(self) -> str:
        """Refused: there is no other mailbox."""
        raise PermanentError(_NO_MAILDIR)

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """Refused: there is no other mailbox."""
        raise PermanentError(_NO_MAILDIR)

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Refused: what is looked at only, stays."""
        raise PermanentError(_NO_MAILDIR)

    async def _heads(self, wanted: Sequence[Listed]) -> dict[int, bytes]:
        """The beginnings of these messages, by number, of which all has to come."""
        heads: dict[int, bytes] = {}
        async with aclosing(self._connection.retrieve(wanted)) as pieces:
            async for piece in pieces:
                known = heads.get(piece.number, b"")
                if not piece.refusal:
                    heads[piece.number] = known + piece.octets[: HEAD + 1 - len(known)]
        return heads

    def _message(self, uid: int, octets: bytes) -> Message:
        key = MessageKey(self._account, INBOX, self.uidvalidity, uid)
        header = Header.parse(octets[:HEAD])
        received = arrived(header, self._now())
        excerpt = len(octets) > HEAD and not find_blank_line(octets, HEAD)
        size = self._inventory.listed[uid].size
        return Message(key, size, received, frozenset(), header, excerpt=excerpt)
