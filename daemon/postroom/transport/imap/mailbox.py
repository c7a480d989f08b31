"""One selected mailbox: what arrived, its contents, and what is done with it.

UIDs only: sequence numbers change under our feet. Nothing here sets `\\Seen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.mail.message import Message
from postroom.ports import Placement
from postroom.rules.effects import SetFlags
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.copies import find_copies
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import Refused
from postroom.transport.imap.filing import Filing, Target
from postroom.transport.imap.messages import Place, headers, section
from postroom.transport.imap.responses import Listed, fetched, listed
from postroom.transport.imap.selection import News, Selection, selection
from postroom.transport.imap.wire import flag, string

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
        exchange = await self._enter("SELECT", self._target(self._name))
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
        return self._filing.can("IDLE")

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
        found = await self._filing.search(b"UID", b"%d:*" % (uid + 1))
        # RFC 3501, section 6.4.8: `*` alone may lie below, and is always found.
        return sorted(each for each in found if each > uid)

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, ascending, in one FETCH."""
        place = Place(self._account, self._name, self.uidvalidity)
        return await headers(self._filing, place, uids)

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages, in one FETCH."""
        found = await self._filing.fetch(uids, b"(UID BODY.PEEK[])")
        contents = ((uid, section(items, "BODY[]")) for uid, items in found.items())
        return {uid: octets for uid, octets in contents if octets is not None}

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these UIDs that are there."""
        return await self._filing.present(uids)

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

    async def resume(
        self, uids: Sequence[int], target: str, *, move: bool
    ) -> dict[int, Placement]:
        """End a copy or move that was cut off; where those went that were copied."""
        if move and self._filing.can("MOVE"):
            return {}  # RFC 6851, section 3.3: it leaves no copies behind
        place = self._target(target)
        copies = await self._find(place, await self.headers(uids))
        if move:
            await self._filing.remove(copies)
        return copies

    async def trash_name(self) -> str:
        """RFC 6154's \\Trash, or what is usually called so, or one to be made."""
        if self._trash is None:
            self._trash = await self._find_trash()
        return self._trash

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there."""
        return await self._filing.expunge(uids)

    # -- insides -----------------------------------------------------------------------

    async def _enter(self, verb: str, target: Target) -> Exchange:
        try:
            return await self._connection.run(verb, string(target.encoded))
        except Refused as refusal:
            if refusal.reason or not await self._is_listed(target.encoded):
                raise
            # Some answer so while the store behind them is away.
            raise RefusedForNow(str(refusal)) from refusal

    async def _is_listed(self, encoded: str) -> bool:
        exchange = await self._connection.run("LIST", b'""', string(encoded))
        with self._connection.reading():
            found = listed(exchange.frames)
        return any(box.name == encoded.encode() for box in found)

    def _target(self, name: str) -> Target:
        return Target(name, self._connection.names.to_server(name))

    def _is_here(self, target: Target) -> bool:
        return target.encoded == self._target(self._name).encoded

    async def _find(
        self, target: Target, messages: Iterable[Message]
    ) -> dict[int, Placement]:
        """Copies of these messages in another mailbox, by UID of this one."""
        # Without a Message-ID two messages of a program are too easily alike.
        recognisable = [message for message in messages if message.message_id]
        if not recognisable or self._is_here(target):
            return {}
        try:
            found = await self._look_into(target, recognisable)
        except (RefusedForNow, PermanentError):
            await self._return()
            raise
        await self._return()
        return found

    async def _look_into(
        self, target: Target, messages: Sequence[Message]
    ) -> dict[int, Placement]:
        self._connection.observer = lambda frame: None  # it tells of the target now
        try:
            exchange = await self._enter("EXAMINE", target)
            with self._connection.reading():
                uidvalidity = selection(exchange).uidvalidity
        except PermanentError:
            return {}  # it is not there, or not ours to read
        place = Place(self._account, target.name, uidvalidity)
        return await find_copies(self._filing, place, messages)

    async def _return(self) -> None:
        """Select the mailbox again; `TemporaryError` if it is no longer the same."""
        before = self.uidvalidity
        try:
            await self.select()
            self._news.missed()
        except (RefusedForNow, PermanentError) as error:
            self._connection.abort(f"there is no way back: {error}")
            raise TemporaryError(str(error)) from error
        if self.uidvalidity != before:
            self._connection.abort("its UIDs were numbered anew")
            raise TemporaryError(f"the UIDs of {self._name} were numbered anew")

    async def _find_trash(self) -> str:
        asked: tuple[bytes, ...] = (b'""', b'"*"')
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= self._connection.capabilities:
            asked += (b"RETURN (SPECIAL-USE)",)
        exchange = await self._connection.run_long("LIST", *asked)
        with self._connection.reading():
            mailboxes = [box for box in listed(exchange.frames) if box.selectable]
        own = self._target(self._name).encoded.encode()
        trash = self._listed_trash(mailboxes)
        # One mailbox has several names (`INBOX/Trash`, `Trash`): the one it was
        # opened by tells that this is it.
        return self._name if trash == own else self._connection.names.to_user(trash)

    def _listed_trash(self, mailboxes: Sequence[Listed]) -> bytes:
        """The server's name for Trash."""
        for mailbox in mailboxes:
            if "\\trash" in mailbox.attributes:
                return mailbox.name
        to_user = self._connection.names.to_user
        by_name = {to_user(box.name).casefold(): box.name for box in mailboxes}
        found = (by_name.get(name.casefold()) for name in _USUAL_TRASH)
        usual = next((name for name in found if name is not None), None)
        return usual or self._target(_USUAL_TRASH[0]).encoded.encode()


def _flag_list(flags: Iterable[str]) -> bytes:
    return b"(%s)" % b" ".join(sorted(map(flag, flags)))
