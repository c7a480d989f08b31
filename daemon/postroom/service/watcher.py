"""A mailbox that has a connection of its own: one loop for push and poll.

Open the mailbox, handle what is there, wait for the first of the server's push and the
bell, and start again. IDLE is only a hint: after every wake the mailbox is read from
the cursor, and each reading is a round trip that proves the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from postroom.log import get_logger
from postroom.ports import Mailbox, Session
from postroom.service.events import WatchState
from postroom.service.line import Line
from postroom.service.waiting import first_of, rung_within
from postroom.service.watch import Watch

log = get_logger()

_SILENT = "the server's IDLE does not tell of new mail: it is looked at often instead"


@dataclass(frozen=True)
class WatcherTimings:
    """In seconds: how often a connection that waits is proved, and how often a mailbox
    is looked at whose server does not push what it should; after how many arrivals in
    a row without a push it is taken for such a one."""

    probe: float = 300
    distrusted: float = 60
    most_missed: int = 3


@dataclass
class Watcher:
    """Watches one mailbox over a connection of its own."""

    line: Line
    watch: Watch
    timings: WatcherTimings = WatcherTimings()
    _missed: int = 0

    async def run(self) -> NoReturn:
        """Watch until cancelled; failures of the server are waited out."""
        await self.line.keep(self._hold, self.watch)

    async def _hold(self, session: Session) -> NoReturn:
        self._missed = 0
        mailbox = await session.open(self.watch.mailbox)
        await self._look(mailbox)
        log.info(
            "mailbox_watched",
            account=self.watch.account,
            mailbox=self.watch.mailbox,
            pushes=mailbox.pushes,
            generation=session.generation,
        )
        while True:
            await self._wait_and_look(session, mailbox)

    async def _look(self, mailbox: Mailbox) -> int:
        arrived = await self.watch.look(mailbox)
        self.line.works()
        return arrived

    async def _wait_and_look(self, session: Session, mailbox: Mailbox) -> None:
        if not mailbox.pushes:
            await self.watch.tell(WatchState.POLLING)
            await self._poll(session)
            await self._look(mailbox)
        elif self._missed >= self.timings.most_missed:
            await self.watch.tell(WatchState.POLLING, _SILENT)
            await rung_within(self.timings.distrusted, self.watch.bell)
            await self._look(mailbox)
        else:
            await self.watch.tell(WatchState.IDLE)
            pushed = await first_of(mailbox.changed(), self.watch.bell)
            self._judge(pushed, await self._look(mailbox))

    async def _poll(self, session: Session) -> None:
        """Wait for the bell, and find out when the connection is lost meanwhile."""
        while not await rung_within(self.timings.probe, self.watch.bell):
            await session.prove()

    def _judge(self, pushed: bool, arrived: int) -> None:
        """An arrival that only the bell brought to light was missed by IDLE."""
        if pushed:
            self._missed = 0
        elif arrived:
            self._missed += 1
            if self._missed == self.timings.most_missed:
                names = {"account": self.watch.account, "mailbox": self.watch.mailbox}
                log.warning("pushes_missing", **names, detail=_SILENT)
