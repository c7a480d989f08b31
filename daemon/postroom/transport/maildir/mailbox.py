"""One folder of a Maildir as a mailbox: what arrived, and what is done with it.

Each call opens the folder anew, in a thread, and keeps nothing open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from postroom.mail.message import Message
from postroom.mail.names import canonical
from postroom.ports import Extent, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.filing import Filing
from postroom.transport.maildir.folder import Entry, Folder
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.maildir.names import DELIMITER
from postroom.transport.maildir.reading import Place, content, digest

Result = TypeVar("Result")

_TRASH = "Trash"


class MaildirMailbox:
    """The `Mailbox` of a folder of a Maildir.

    Its messages are those whose files are named after UIDs of `uidvalidity`; a message
    has the same UID in every folder. Where the folder is absent, `AbsentMailbox` is
    raised.
    """

    def __init__(
        self, account: str, maildir: Maildir, folder: str, uidvalidity: int
    ) -> None:
        self._maildir = maildir
        self._place = Place(account, canonical(folder), uidvalidity)
        # Where files were at last: what is looked at is acted upon soon after.
        self._known: dict[int, Entry] = {}

    @property
    def name(self) -> str:
        """The folder's name as the user writes it, in its one spelling."""
        return self._place.mailbox

    @property
    def delimiter(self) -> str | None:
        """What stands between the levels of names on disk."""
        return DELIMITER

    @property
    def uidvalidity(self) -> int:
        """UIDVALIDITY, which is the account's."""
        return self._place.uidvalidity

    @property
    def uidnext(self) -> int | None:
        """None: the files do not tell which UID is given next."""
        return None

    @property
    def pushes(self) -> bool:
        """False: who puts something here knows."""
        return False

    def expect(self, entries: Mapping[int, Entry]) -> None:
        """Take it that these files are there, by UID, and look for one only if it is
        not: they were put there just now."""
        self._known.update(entries)

    # -- what is there -----------------------------------------------------------------

    async def newest(self) -> int:
        """The highest UID there is now, 0 if there is none."""
        return await self._do(Filing.newest)

    async def uids_after(self, uid: int) -> list[int]:
        """All UIDs above `uid`, ascending."""
        return await self._do(lambda filing: filing.uids_after(uid))

    async def headers(self, uids: Sequence[int]) -> list[Message]:
        """These messages at depth headers, ascending."""
        found = await self._do(lambda filing: filing.read(uids, self._place.message))
        return list(found.values())

    async def contents(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of these messages."""
        return await self._do(lambda filing: filing.read(uids, content))

    async def digests(self, uids: Sequence[int]) -> dict[int, str]:
        """The SHA-256 of the octets of these messages, in hex."""
        return await self._do(lambda filing: filing.read(uids, digest))

    async def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of these UIDs that are there."""
        return await self._do(lambda filing: filing.present(uids))

    async def changed(self) -> None:
        """Wait for ever, until cancelled."""
        await asyncio.Event().wait()

    # -- what is done ------------------------------------------------------------------

    async def set_flags(self, uids: Sequence[int], change: SetFlags) -> frozenset[int]:
        """Change flags; the UIDs that were there. Raises `PermanentError` for a label
        that a Maildir does not keep."""
        return await self._do(lambda filing: filing.mark(uids, change))

    async def copy(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Copy, making the target if it is absent; what is there already is there."""
        return await self._place_in(target, lambda filing, to: filing.copy(uids, to))

    async def move(self, uids: Sequence[int], target: str) -> dict[int, Placement]:
        """Move, making the target if it is absent."""
        return await self._place_in(target, lambda filing, to: filing.move(uids, to))

    async def extent(self, target: str, *, move: bool) -> Extent | None:
        """None: the name of a file tells of what it is a copy."""
        return None

    async def resume(
        self, begun: Mapping[int, Extent | None], target: str, *, move: bool
    ) -> Resumed:
        """End a copy or move that was cut off; where those went that were copied: the
        name of a file tells."""
        return Resumed(
            await self._place_in(
                target, lambda filing, to: filing.resume(list(begun), to, move=move)
            )
        )

    async def trash_name(self) -> str:
        """The folder for what is deleted, which need not be there yet."""
        return _TRASH

    async def meant_by(self, names: Collection[str]) -> dict[str, str]:
        """The folder that each of these names means: the one of that name."""
        return {name: canonical(name) for name in names}

    async def expunge(self, uids: Sequence[int]) -> frozenset[int]:
        """Remove these messages and no other for good; the UIDs that were there."""
        return await self._do(lambda filing: filing.expunge(uids))

    # -- insides -----------------------------------------------------------------------

    async def _do(self, work: Callable[[Filing], Result]) -> Result:
        def within() -> Result:
            with self._maildir.entered(self.name) as folder:
                return work(self._filing(folder))

        return await asyncio.to_thread(within)

    async def _place_in(
        self, target: str, work: Callable[[Filing, Folder], Collection[int]]
    ) -> dict[int, Placement]:
        """Where those are that `work` has put into the target, which is made if it is
        absent."""

        def within() -> Collection[int]:
            with (
                self._maildir.entered(self.name) as folder,
                self._maildir.entered(target, making=True) as to,
            ):
                return work(self._filing(folder), to)

        placed = await asyncio.to_thread(within)
        return {uid: Placement(target, self.uidvalidity, uid) for uid in placed}

    def _filing(self, folder: Folder) -> Filing:
        return Filing(folder, self.uidvalidity, self._known)
