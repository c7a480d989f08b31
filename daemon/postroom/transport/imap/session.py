"""One connection to an account, logged in: mailboxes are opened on it in turn.

A mailbox that is no longer the one that is selected can't be used: its UIDs would be
taken for those of another. No mailbox that is watched is opened under a second name.
"""

from __future__ import annotations

from postroom.errors import PermanentError
from postroom.ports import Standing
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.names import Spellings
from postroom.transport.imap.standing import standing_of


class ImapSession:
    """The `Session` of an IMAP server; made by `ImapAccount.connect`."""

    def __init__(
        self, account: str, connection: Connection, spellings: Spellings
    ) -> None:
        self._account = account
        self._connection = connection
        self._spellings = spellings
        self._opened: ImapMailbox | None = None

    @property
    def generation(self) -> int:
        """Which of the account's connections this is: each has a greater number."""
        return self._connection.generation

    @property
    def login_delay(self) -> float:
        """None: IMAP knows of no such wish."""
        return 0

    async def open(self, mailbox: str) -> ImapMailbox:
        """Select a mailbox; the one that was opened before is void from then on. Raises
        `AbsentMailbox` where there is none of that name, and `PermanentError` where it
        is watched under another name."""
        self._require_own(mailbox)
        opened = ImapMailbox(self._account, mailbox, self._connection, self._spellings)
        if self._opened is not None:
            self._opened.leave()
        # RFC 3501, section 6.3.1: after a SELECT that fails no mailbox is selected.
        self._opened = None
        await opened.select()
        self._opened = opened
        return opened

    async def standing(self, mailbox: str) -> Standing | None:
        """How a mailbox stands that is not opened now, by STATUS; None where the server
        can't tell, and only opening it does."""
        target = self._connection.directory.target
        wanted = target(mailbox)
        if self._opened and target(self._opened.name).encoded == wanted.encoded:
            return None  # RFC 3501, section 6.3.10: not for the one that is selected
        return await standing_of(self._connection, wanted)

    async def prove(self) -> None:
        """A round trip that proves the connection."""
        await self._connection.run("NOOP")

    def _require_own(self, mailbox: str) -> None:
        watched = self._spellings.watched(mailbox)
        if watched not in (None, mailbox):
            told = f"{mailbox} is the same mailbox as {watched}"
            raise PermanentError(f"{told}, which is watched already")
