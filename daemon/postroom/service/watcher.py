"""One watched mailbox: one loop for push and poll.

Open the mailbox, handle what is there, wait for the first of the server's push and the
bell, and start again. IDLE is only a hint: after every wake the mailbox is read from
the cursor, and each reading is a round trip that proves the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.errors import (
    AuthenticationError,
    PermanentError,
    StoreError,
    TemporaryError,
)
from postroom.log import get_logger
from postroom.ports import Account, Clock, Mailbox, Store, WatchReport
from postroom.service.backoff import Backoff
from postroom.service.events import Observer, WatchChanged, WatchState
from postroom.service.processor import Processor

log = get_logger()


@dataclass(frozen=True)
class WatcherTimings:
    """In seconds: how long to stay away after refused credentials, and from a mailbox
    that can't be opened."""

    # Few enough a day never to lock an account out.
    refused: Sequence[float] = (300, 1800, 7200, 21600)
    unusable: float = 900


@dataclass
class Watcher:
    """Watches one mailbox of an account.

    With `holds` it keeps its connection and waits there for pushes; without, it
    connects when the bell rings, sharing `connection` with the account's other ones.
    """

    account: Account
    mailbox: str
    processor: Processor
    store: Store
    clock: Clock
    observer: Observer
    backoff: Backoff
    connection: asyncio.Semaphore
    holds: bool = True
    timings: WatcherTimings = WatcherTimings()
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    _refusals: int = 0

    async def ring(self) -> None:
        """Have the mailbox read now, or as soon as it can be."""
        self.bell.set()

    async def run(self) -> None:
        """Watch until cancelled; failures of the server are waited out."""
        while True:
            delay = await self._watch_until_failure()
            if delay is None:
                await self.bell.wait()
            else:
                # The bell does not shorten this: it would ring a wrong password into a
                # lock-out.
                await asyncio.sleep(delay)

    async def handle_once(self) -> str:
        """Handle what is there now; what went wrong, or nothing."""
        try:
            async with self.connection, self.account.open(self.mailbox) as mailbox:
                await self.processor.catch_up(mailbox)
            await self._change(WatchState.POLLING)
        except StoreError:
            raise
        except (TemporaryError, PermanentError) as error:
            await self._change(WatchState.RETRYING, str(error))
            log.warning(
                "watch_failed",
                account=self.account.name,
                mailbox=self.mailbox,
                error=str(error),
            )
            return str(error)
        return ""

    async def _watch_until_failure(self) -> float | None:
        """Watch; after a failure, the seconds to stay away. None: until the bell."""
        await self._change(WatchState.CONNECTING)
        try:
            return await (self._hold() if self.holds else self._poll())
        except StoreError:
            raise  # without a memory nothing may go on
        except AuthenticationError as error:
            waits = self.timings.refused
            delay = waits[min(self._refusals, len(waits) - 1)]
            self._refusals += 1
            return await self._stay_away(WatchState.REFUSED, error, delay)
        except TemporaryError as error:
            delay = self.backoff.failed()
            return await self._stay_away(WatchState.RETRYING, error, delay)
        except PermanentError as error:
            delay = self.timings.unusable
            return await self._stay_away(WatchState.RETRYING, error, delay)

    async def _hold(self) -> float:
        async with self.account.open(self.mailbox) as mailbox:
            log.info(
                "mailbox_watched",
                account=self.account.name,
                mailbox=self.mailbox,
                pushes=mailbox.pushes,
            )
            while True:
                await self._catch_up(mailbox)
                idles = WatchState.IDLE if mailbox.pushes else WatchState.POLLING
                await self._change(idles)
                await self._pushed_or_rung(mailbox)

    async def _poll(self) -> None:
        async with self.connection, self.account.open(self.mailbox) as mailbox:
            await self._catch_up(mailbox)
        await self._change(WatchState.POLLING)

    async def _catch_up(self, mailbox: Mailbox) -> None:
        self.bell.clear()
        await self._change(WatchState.WORKING)
        await self.processor.catch_up(mailbox)
        self.backoff.works()
        self._refusals = 0

    async def _pushed_or_rung(self, mailbox: Mailbox) -> None:
        """Wait for the first of both; an error of the connection is raised."""
        push = asyncio.ensure_future(mailbox.changed())
        ring = asyncio.ensure_future(self.bell.wait())
        try:
            await asyncio.wait({push, ring}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()
            push.cancel()
            # Leaving IDLE takes a round trip. A stop that comes meanwhile waits for it,
            # and is not lost.
            await asyncio.gather(push, return_exceptions=True)
        if not push.cancelled():
            push.result()

    async def _stay_away(
        self, state: WatchState, error: TemporaryError | PermanentError, delay: float
    ) -> float:
        log.warning(
            "watch_failed",
            account=self.account.name,
            mailbox=self.mailbox,
            error=str(error),
            retry_in=round(delay, 1),
        )
        await self._change(state, str(error), delay)
        return delay

    async def _change(
        self, state: WatchState, detail: str = "", delay: float | None = None
    ) -> None:
        now = self.clock.now()
        retry_at = None if delay is None else now + timedelta(seconds=delay)
        names = (self.account.name, self.mailbox)
        self.observer(WatchChanged(*names, state, detail, retry_at))
        report = WatchReport(*names, state, detail, now, retry_at)
        try:
            await self.store.report_watch(report)
        except TemporaryError as error:
            # A full disk must not end the daemon; mail is safe on its server.
            log.warning("store_unavailable", error=str(error))
