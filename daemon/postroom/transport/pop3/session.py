"""A session with a maildrop (RFC 1939): listed once, and changed only at its end.

Invariant: nothing is removed from the server before the ledger says that all is done
about it, and nothing counts as removed before the server has confirmed QUIT.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.errors import AbsentMailbox, PermanentError
from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.mail.names import INBOX, is_inbox
from postroom.ports import Listed, Mailbox, Maildrop, Maildrops, Standing
from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.pop3.collector import Collector
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.foresight import Foresight
from postroom.transport.pop3.incoming import Incoming
from postroom.transport.pop3.inventory import Inventory
from postroom.transport.pop3.mailbox import PopMailbox
from postroom.transport.pop3.remote import RemoteMailbox

log = get_logger()

_STRANGE = "the server lists many messages anew, or is another one"


@dataclass(frozen=True)
class Custody:
    """Where an account's mail is kept: in the Maildir, if it has one; and for how long
    on the server once it is here (None: for ever). `hides` is True of a server that is
    known to hide what was retrieved."""

    account: str
    maildir: Maildir | None
    keep: timedelta | None
    memory: Maildrops
    now: Callable[[], datetime]
    hides: bool = False
    breaks: Counter[Listed] = field(default_factory=Counter)
    compared: set[int] = field(default_factory=set)


class PopSession:
    """The `Session` of a POP3 server; made by `PopAccount.connect`."""

    def __init__(
        self, custody: Custody, connection: Connection, generation: int
    ) -> None:
        self._custody = custody
        self._connection = connection
        self._generation = generation
        self._inventory: Inventory | None = None
        self._foresight: Foresight | None = None

    @property
    def generation(self) -> int:
        """Which of the account's connections this is: each has a greater number."""
        return self._generation

    @property
    def login_delay(self) -> float:
        """The seconds from one login to the next that the server wants (RFC 2449)."""
        return self._connection.capabilities.login_delay

    async def open(self, mailbox: str) -> Mailbox:
        """INBOX, which is the maildrop; or another folder of the Maildir. Raises
        `AbsentMailbox` where there is none of that name."""
        maildir = self._custody.maildir
        if maildir:
            await asyncio.to_thread(maildir.prepare)
        if is_inbox(mailbox):
            return await self._open_inbox()
        if maildir is None or not await asyncio.to_thread(maildir.has, mailbox):
            raise AbsentMailbox(f"there is no folder {mailbox}")
        drop = await self._custody.memory.maildrop(self._custody.account)
        account = self._custody.account
        return MaildirMailbox(account, maildir, mailbox, drop.uidvalidity)

    async def standing(self, mailbox: str) -> Standing | None:
        """None: a maildrop does not change during a session."""
        return None

    async def prove(self) -> None:
        """A round trip that proves the connection."""
        await self._connection.prove()

    async def settle(self) -> None:
        """Remove what is to be kept on the server no longer, and end the session.

        Raises `TemporaryError` where the server does not confirm it: then it is done
        again in the next one, which finds what is still there.
        """
        if self._foresight:
            await self._foresight.end()
        due = await self._due()
        removed = await self._connection.remove(sorted(due)) if due else ()
        account, memory = self._custody.account, self._custody.memory
        uids = [due[each] for each in removed]
        if uids:
            # First: without an answer nobody could say whose the names are then.
            await memory.note_asked(account, uids)
        reach(Point.P6)
        await self._connection.quit()
        reach(Point.P8)
        if uids:
            await memory.note_removed(account, uids)
            log.info("messages_removed", account=account, messages=len(uids))

    async def abandon(self) -> None:
        """End what is still under way; removes nothing."""
        if self._foresight:
            await self._foresight.give_up()

    # -- insides -----------------------------------------------------------------------

    async def _due(self) -> dict[int, int]:
        """The UIDs of what is to be removed, by number."""
        if self._inventory is None:
            return {}
        custody, listed = self._custody, self._inventory.listed
        due = await custody.memory.removable(custody.account, custody.keep)
        return {listed[uid].number: uid for uid in due if uid in listed}

    async def _open_inbox(self) -> Mailbox:
        custody = self._custody
        await self.abandon()
        if custody.maildir:
            await self._compare(custody.maildir)
        listing = await self._connection.listing()
        roll = await custody.memory.note_listing(custody.account, listing)
        reach(Point.P1)
        drop = await custody.memory.maildrop(custody.account)
        self._inventory = inventory = Inventory(drop.uidvalidity)
        inventory.add(listing, roll.items)
        inventory.doubt = _STRANGE if roll.renumbered else ""
        inventory.unhandled = await custody.memory.unhandled(custody.account)
        unidentified = [each for each in listing if each.number in roll.unidentified]
        if custody.maildir is None:
            return self._look_only(inventory, unidentified, drop)
        return await self._pump(custody.maildir, inventory, unidentified, drop)

    async def _compare(self, maildir: Maildir) -> None:
        """Begin anew with a memory that is older than what lies here, such as one that
        was restored: it would give the same UIDs to others."""
        account, memory = self._custody.account, self._custody.memory
        drop = await memory.maildrop(account)
        if drop.uidvalidity in self._custody.compared:
            return
        self._custody.compared.add(drop.uidvalidity)
        await asyncio.to_thread(maildir.mark, drop.uidvalidity)
        folders = [
            MaildirMailbox(account, maildir, folder, drop.uidvalidity)
            for folder in await asyncio.to_thread(maildir.folders)
        ]
        if max([await each.newest() for each in folders]) >= drop.uidnext:
            log.error("memory_is_older_than_the_maildir", account=account)
            await memory.begin_anew(account)

    async def _pump(
        self,
        maildir: Maildir,
        inventory: Inventory,
        unidentified: list[Listed],
        drop: Maildrop,
    ) -> Mailbox:
        custody = self._custody
        place = (custody.account, maildir, INBOX, drop.uidvalidity)
        # Where all is removed, nothing tells that it was hidden before.
        seems_to = drop.hides and custody.keep != timedelta(0)
        # With EXPIRE 0 (RFC 2449, section 6.7) what was retrieved is gone after QUIT.
        expires = self._connection.capabilities.expire == 0
        inbox = MaildirMailbox(*place)
        collector = Collector(
            custody.account,
            Incoming(custody.account, self._connection, maildir),
            maildir,
            inbox,
            custody.memory,
            inventory,
            custody.now,
            custody.breaks,
            careful=custody.hides or seems_to or expires,
        )
        if unidentified:
            await collector.identify(unidentified)
            drop = await custody.memory.maildrop(custody.account)
        self._foresight = foresight = Foresight(collector)
        return PopMailbox(inventory, collector, foresight, inbox, drop.uidnext)

    def _look_only(
        self, inventory: Inventory, unidentified: list[Listed], drop: Maildrop
    ) -> Mailbox:
        if unidentified:
            raise PermanentError(
                "the server gives its messages no unique-ids (UIDL) that tell them "
                "apart: to be known again they must be stored in a Maildir"
            )
        custody = self._custody
        if self._connection.capabilities.expire == 0:
            raise PermanentError(
                "the server removes what was retrieved (EXPIRE 0), and without a "
                "Maildir it would be nowhere"
            )
        return RemoteMailbox(
            custody.account, self._connection, inventory, custody.now, drop.uidnext
        )
