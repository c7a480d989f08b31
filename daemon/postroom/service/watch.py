"""One watched mailbox: its bell, what is done at each look, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.errors import (
    AbsentMailbox,
    AuthenticationError,
    PermanentError,
    StoreError,
    StoreUnavailable,
    TemporaryError,
)
from postroom.log import get_logger
from postroom.ports import Account, Clock, Mailbox, Store, WatchReport
from postroom.service.events import Observer, WatchChanged, WatchState
from postroom.service.processor import Processor

log = get_logger()

_DONE = (WatchState.IDLE, WatchState.POLLING)
_FAILED = (WatchState.RETRYING, WatchState.REFUSED)


@dataclass(eq=False)
class Watch:
    """What an account's connections do for one of its mailboxes.

    `bell` has it looked at, if it may hold anything new; with `work_waits` it is to be
    looked into in any case.
    """

    account: str
    mailbox: str
    processor: Processor
    store: Store
    clock: Clock
    observer: Observer
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    work_waits: bool = False
    _asked: list[asyncio.Future[str]] = field(default_factory=list)

    async def ring(self) -> None:
        """Have the mailbox looked at now, or as soon as it can be."""
        self.bell.set()

    def call(self) -> None:
        """Have what can be done in the mailbox now done."""
        self.work_waits = True
        self.bell.set()

    def next_look(self) -> asyncio.Future[str]:
        """What is wrong once a look that was called for after this has ended; empty if
        nothing is."""
        asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        return asked

    async def look(self, mailbox: Mailbox) -> int:
        """Handle what is not handled yet; how many messages had arrived."""
        self.bell.clear()
        self.work_waits = False
        await self.tell(WatchState.WORKING)
        return await self.processor.catch_up(mailbox)

    async def handle_once(self, account: Account) -> str:
        """Handle what is there now, on a connection of its own; what went wrong.

        Raises `AuthenticationError`."""
        try:
            async with account.connect() as session:
                await self.look(await session.open(self.mailbox))
            await self.tell(WatchState.POLLING)
        except StoreError:
            raise
        except AuthenticationError as error:
            await self.fail(WatchState.REFUSED, error, None)
            raise  # the other mailboxes of the account need not be tried
        except (TemporaryError, PermanentError) as error:
            await self.fail(WatchState.RETRYING, error, None)
            return str(error)
        return ""

    async def fail(
        self, state: WatchState, error: Exception, delay: float | None
    ) -> None:
        """Tell what keeps the mailbox from being watched, and for how many seconds."""
        log.warning(
            "watch_failed",
            account=self.account,
            mailbox=self.mailbox,
            error=str(error),
            retry_in=None if delay is None else round(delay, 1),
        )
        absent = isinstance(error, AbsentMailbox)
        bookmark = self.processor.bookmark
        await self._record(bookmark.note_unread(self.mailbox, absent=absent))
        await self.tell(state, str(error), delay)

    async def tell(
        self, state: WatchState, detail: str = "", delay: float | None = None
    ) -> None:
        """Tell what is done for the mailbox now; the next try is in `delay` seconds."""
        now = self.clock.now()
        retry_at = None if delay is None else now + timedelta(seconds=delay)
        names = (self.account, self.mailbox)
        self.observer(WatchChanged(*names, state, detail, retry_at))
        report = WatchReport(*names, state, detail, now, retry_at)
        await self._record(self.store.report_watch(report))
        if state in _FAILED:
            self._answer(detail)
        # With the bell set, the look that ended had begun before somebody asked.
        elif state in _DONE and not self.bell.is_set():
            self._answer("")

    def _answer(self, failure: str) -> None:
        asked, self._asked = self._asked, []
        for each in asked:
            if not each.done():  # nobody waits for it any more
                each.set_result(failure)

    async def _record(self, note: Awaitable[None]) -> None:
        try:
            await note
        except StoreUnavailable as error:
            # A full disk must not end the daemon; mail is safe on its server.
            log.warning("store_unavailable", error=str(error))
