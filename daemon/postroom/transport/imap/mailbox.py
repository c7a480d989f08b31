"""One selected mailbox: what arrived, its contents, and what is done with it.

UIDs only: sequence numbers change under our feet. Nothing here sets `\\Seen`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.mail.message import Message
from postroom.ports import Extent, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.copies import Sought, look_into, recognisable
from postroom.transport.imap.directory import Target
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.fetching import fetched
from postroom.transport.imap.filing import Filing, telling_copies
from postroom.transport.imap.marking import mark
from postroom.transport.imap.messages import Place, headers, section
from postroom.transport.imap.names import Spellings
from postroom.transport.imap.selection import News, Selection, selection
from postroom.transport.imap.standing import extent_of
from postroom.transport.imap.tokens import MAX_UNIQUE


class ImapMailbox:
    """The `Mailbox` of an IMAP server; made by `ImapSession.open`."""

    def __init__(
        self, account: str, name: str, connection: Connection, spellings: Spellings
    ) -> None:
        self._account = account
        self._name = name
        self._shared = connection
        self._spellings = spellings
        self._void = False
        self._news = News(connection.wake)
        self._selection = Selection(0)
        self._octets: str | None = None
        self._trash: str | None = None

    async def select(self) -> None:
        """Select the mailbox; comes before everything else."""
        # What arrives right behind the answer must be noticed, too.
        self._connection.observer = self._news.observe
        exchange = await self._enter("SELECT", self._target(self._name))
        self._octets = self._target(self._name).encoded
        with self._connection.reading():
            self._selection = selection(exchange)

    def leave(self) -> None:
        """Have nothing more to do with the connection: another mailbox is opened."""
        self._void = True

    @property
    def name(self) -> str:
        """The mailbox's name as the user writes it."""
        return self._name

    @property
    def delimiter(self) -> str | None:
        """What stands between the levels of names on the server."""
        return self._connection.names.delimiter

    @property
    def uidvalidity(self) -> int:
        """UIDVALIDITY as of the SELECT."""
        return self._selection.uidvalidity

    @property
    def uidnext(self) -> int | None:
        """The lowest UID that the next arrival can have; None if it is not told."""
        return self._selection.uidnext

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
        self._selection = self._selection.having_seen([newest])
        return newest

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid`, ascending."""
        self._news.looked()
        if uid >= MAX_UNIQUE:
            return []
        found = await self._filing.search(b"UID", b"%d:*" % (uid + 1))
        self._selection = self._selection.having_seen(found)
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
        """Change flags with one STORE a direction; the UIDs that were there and kept
        them. Raises `PermanentError` if none did of those that are there."""
        self._selection.require(change)
        return await mark(self._filing, uids, change)

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy in one command, making the target if it is absent."""
        return await self._filing.copy(uids, self._target(target))

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move in one command or by verified steps, making the target if absent."""
        place = self._target(target)
        if self._is_here(place):
            return {uid: Placement(self._name, self.uidvalidity, uid) for uid in uids}
        return await self._filing.move(uids, place)

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """How far the UIDs of a target reach; None where a move leaves no copies."""
        place = self._target(target)
        if (move and self._filing.can("MOVE")) or self._is_here(place):
            return None
        return await extent_of(self._connection, place)

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """End a copy or move that was cut off; where those went that were copied."""
        if move and self._filing.can("MOVE"):
            return Resumed()  # RFC 6851, section 3.3: it SHOULD leave no copies behind
        place = self._target(target)
        if self._is_here(place):
            return Resumed(doubtful=frozenset(begun))  # a copy is as new as others
        sought = recognisable(await self.headers(list(begun)), begun)
        found = await self._find(place, sought) if sought else Resumed()
        if move:
            with telling_copies(found.copies):
                await self._filing.remove(found.copies)
        untold = begun.keys() - {each.uid for each in sought}
        return Resumed(found.copies, found.doubtful | untold)

    async def trash_name(self) -> str:
        """RFC 6154's \\Trash, or what is usually called so, or one to be made.

        Raises `PermanentError` if it only looks like this mailbox: what is deleted here
        would be gone for good.
        """
        if self._trash is None:
            trash = await self._connection.directory.trash()
            self._require_same(trash)
            self._trash = self._spellings.of(trash)
        return self._trash

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """The mailbox that each of these names of targets means on this server, by the
        name under which it is watched, or its one spelling."""
        meant_by = self._connection.directory.meant_by
        return {name: self._spellings.of(await meant_by(name)) for name in names}

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there."""
        return await self._filing.expunge(uids)

    # -- insides -----------------------------------------------------------------------

    @property
    def _connection(self) -> Connection:
        if self._void:
            raise RuntimeError(f"{self._name} was left: another mailbox is selected")
        return self._shared

    @property
    def _filing(self) -> Filing:
        return Filing(self._connection)

    async def _enter(self, verb: str, target: Target) -> Exchange:
        return await self._connection.directory.run(verb, target.name)

    def _target(self, name: str) -> Target:
        return self._connection.directory.target(name)

    def _is_here(self, target: Target) -> bool:
        return target.encoded == self._target(self._name).encoded

    def _require_same(self, trash: str) -> None:
        here = self._spellings.of(trash) == self._spellings.of(self._name)
        if here and self._target(trash).encoded != self._octets:
            raise PermanentError(f"{trash} is the Trash, and another mailbox as well")

    async def _find(self, target: Target, sought: Sequence[Sought]) -> Resumed:
        """Copies in another mailbox, by UID of this one."""
        self._connection.observer = lambda frame: None  # it tells of the target now
        try:
            found = await look_into(self._shared, self._account, target, sought)
        except (RefusedForNow, PermanentError):
            await self._return()
            raise
        await self._return()
        return found

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
