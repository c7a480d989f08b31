"""One selected mailbox: what arrived, its contents, and what is done with it.

UIDs only: sequence numbers change under our feet. Nothing here sets `\\Seen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postroom.errors import TemporaryError
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import Placement
from postroom.rules.effects import SetFlags
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import Refused
from postroom.transport.imap.filing import Filing, Target
from postroom.transport.imap.responses import (
    Listed,
    fetched,
    internal_date,
    listed,
    searched,
)
from postroom.transport.imap.selection import News, Selection, selection
from postroom.transport.imap.tokens import Value, number, text, words
from postroom.transport.imap.wire import flag, string

# One octet more than a header may have: enough to see that it is too long.
_HEADERS = b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]<0.262145>)"
_USUAL_TRASH = (
    "Trash",
    "Deleted Items",
    "Deleted Messages",
    "Bin",
    "Papierkorb",
    "Corbeille",
)


class ImapMailbox:
    """The `Mailbox` of an IMAP server; made by `ImapAccount.open`."""

    def __init__(self, account: str, name: str, connection: Connection) -> None:
        self._account = account
        self._name = name
        self._connection = connection
        self._filing = Filing(connection)
        self._news = News(connection.wake)
        self._selection = Selection(0, None)
        self._trash: str | None = None

    async def select(self) -> None:
        """Select the mailbox; comes before everything else."""
        # What arrives right behind the answer must be noticed, too.
        self._connection.observer = self._news.observe
        exchange = await self._select(self._target(self._name).encoded)
        with self._connection.reading():
            self._selection = selection(exchange)

    @property
    def name(self) -> str:
        """The mailbox's name as the user writes it."""
        return self._name

    @property
    def uidvalidity(self) -> int:
        """UIDVALIDITY as of the SELECT."""
        return self._selection.uidvalidity

    @property
    def pushes(self) -> bool:
        """True if the server has IDLE."""
        return "IDLE" in self._connection.capabilities

    # -- what is there -----------------------------------------------------------------

    async def newest(self) -> int:
        """The highest UID there is now, 0 if the mailbox is empty."""
        if not self._news.exists:
            return 0  # some refuse `*` when it stands for nothing
        exchange = await self._connection.run_long("UID FETCH", b"*", b"(UID)")
        with self._connection.reading():
            newest = max(fetched(exchange.frames), default=0)
            if not newest and self._news.exists:
                raise TemporaryError("the server hides the newest message")
        return newest

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid`, ascending."""
        self._news.looked()
        exchange = await self._connection.run_long(
            "UID SEARCH", b"UID", b"%d:*" % (uid + 1)
        )
        with self._connection.reading():
            # RFC 3501, section 6.4.8: `*` alone may lie below, and is always found.
            return sorted(found for found in searched(exchange.frames) if found > uid)

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, ascending, in one FETCH."""
        found = await self._filing.fetch(uids, _HEADERS)
        with self._connection.reading():
            return [
                self._message(uid, items, header)
                for uid, items in found.items()
                if (header := _section(items, "BODY[HEADER]")) is not None
            ]

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, in one FETCH."""
        found = await self._filing.fetch(uids, b"(UID BODY.PEEK[])")
        contents = ((uid, _section(items, "BODY[]")) for uid, items in found.items())
        return {uid: octets for uid, octets in contents if octets is not None}

    async def changed(self) -> None:
        """Return when something may have arrived that no `uids_after` has looked at.

        May be cancelled; the connection can be used on then.
        """
        if not self.pushes:
            await self._connection.lost()
        while not self._news.unseen:
            await self._connection.idle()

    # -- what is done ------------------------------------------------------------------

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags with one STORE a direction; the UIDs that were there."""
        self._selection.require(change)
        changes = ((b"+FLAGS", change.add), (b"-FLAGS", change.remove))
        if not (change.add or change.remove):
            return await self._filing.present(uids)
        there = frozenset[int]()
        for direction, flags in changes:
            if flags:
                there |= await self._filing.store(uids, direction, _flag_list(flags))
        return there

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy in one command, making the target if it is absent."""
        return await self._filing.copy(uids, self._target(target))

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move in one command or by verified steps, making the target if absent."""
        place = self._target(target)
        if self._is_here(place):
            return {uid: Placement(self._name, self.uidvalidity, uid) for uid in uids}
        return await self._filing.move(uids, place)

    async def trash_name(self) -> str:
        """RFC 6154's \\Trash, or what is usually called so, or one to be made."""
        if self._trash is None:
            self._trash = await self._find_trash()
        return self._trash

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there."""
        return await self._filing.expunge(uids)

    # -- insides -----------------------------------------------------------------------

    async def _select(self, encoded: str) -> Exchange:
        try:
            return await self._connection.run("SELECT", string(encoded))
        except Refused as refusal:
            if refusal.code.name or not await self._is_listed(encoded):
                raise
            # Some answer so while the store behind them is away.
            raise TemporaryError(str(refusal)) from refusal

    async def _is_listed(self, encoded: str) -> bool:
        exchange = await self._connection.run("LIST", b'""', string(encoded))
        with self._connection.reading():
            found = listed(exchange.frames)
        return any(box.name == encoded.encode() for box in found)

    def _target(self, name: str) -> Target:
        return Target(name, self._connection.names.to_server(name))

    def _is_here(self, target: Target) -> bool:
        return target.encoded == self._target(self._name).encoded

    def _message(self, uid: int, items: dict[str, Value], header: bytes) -> Message:
        size = items.get("RFC822.SIZE")
        return Message(
            key=MessageKey(self._account, self._name, self.uidvalidity, uid),
            size=len(header) if size is None else number(size),
            received=internal_date(items.get("INTERNALDATE")),
            flags=_flags(items),
            header=Header.parse(header),
        )

    async def _find_trash(self) -> str:
        asked: tuple[bytes, ...] = (b'""', b'"*"')
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= self._connection.capabilities:
            asked += (b"RETURN (SPECIAL-USE)",)
        exchange = await self._connection.run_long("LIST", *asked)
        with self._connection.reading():
            mailboxes = [box for box in listed(exchange.frames) if box.selectable]
        for mailbox in mailboxes:
            if "\\trash" in mailbox.attributes:
                return self._connection.names.to_user(mailbox.name)
        return self._usual_trash(mailboxes) or _USUAL_TRASH[0]

    def _usual_trash(self, mailboxes: Iterable[Listed]) -> str | None:
        names = [self._connection.names.to_user(box.name) for box in mailboxes]
        by_name = {name.casefold(): name for name in names}
        found = (by_name.get(name.casefold()) for name in _USUAL_TRASH)
        return next((name for name in found if name is not None), None)


def _section(items: dict[str, Value], name: str) -> bytes | None:
    """The octets of a section; the server adds `<0>` to what was asked for in part."""
    value = items.get(name, items.get(f"{name}<0>"))
    return value if isinstance(value, bytes) else None


def _flags(items: dict[str, Value]) -> frozenset[str]:
    flags = map(text, words(items.get("FLAGS")))
    # RFC 3501, section 2.3.2: \Recent tells of sessions, not of the message.
    return frozenset(flag for flag in flags if flag.lower() != "\\recent")


def _flag_list(flags: Iterable[str]) -> bytes:
    return b"(%s)" % b" ".join(sorted(map(flag, flags)))
