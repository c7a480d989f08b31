"""The running daemon: who owns the tasks, and in which order they end.

One task group owns the watchers and the sender: whatever ends the one ends the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from postroom.config.configuration import Configuration
from postroom.errors import AuthenticationError
from postroom.log import get_logger
from postroom.ports import Account
from postroom.service import systemd
from postroom.service.announcer import Announcer
from postroom.service.attendance import Attendance
from postroom.service.sender import Sender
from postroom.service.timetable import Timetable
from postroom.service.watch import Watch

log = get_logger()

# However seldom a mailbox is polled: a push that never came is made good by then.
_LONGEST_UNSEEN = timedelta(minutes=15)


@dataclass
class Service:
    """The parts of a running daemon."""

    configuration: Configuration
    attendances: tuple[Attendance, ...]
    sender: Sender
    announcer: Announcer
    timetable: Timetable
    accounts: Mapping[str, Account]

    @property
    def watches(self) -> tuple[Watch, ...]:
        """Every watched mailbox."""
        return tuple(watch for each in self.attendances for watch in each.watches)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch and send until `stop` is set; then end in order."""
        watches = self.watches
        for watch in watches:
            poll = self.configuration.settings.account[watch.account].poll
            self.timetable.ring_every(min(poll, _LONGEST_UNSEEN), watch.ring)
        async with self.timetable, asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[None]] = [
                group.create_task(each.run()) for each in self.attendances
            ]
            tasks.append(group.create_task(self.sender.run()))
            tasks.append(group.create_task(self.announcer.run()))
            systemd.notify("READY=1", f"STATUS=watching {len(watches)} mailboxes")
            log.info("service_started", mailboxes=len(watches))
            await stop.wait()
            systemd.notify("STOPPING=1")
            log.info("service_stopping")
            for task in tasks:
                task.cancel()

    async def run_once(self) -> tuple[str, ...]:
        """Handle what is there now, send what is due; what went wrong."""
        async with asyncio.TaskGroup() as group:
            announcing = group.create_task(self.announcer.run())
            failures = await self._handle_accounts()
            await self.sender.drain()
            # Mail that was sent may have let expunges go on.
            for each in self.attendances:
                rung = [watch for watch in each.watches if watch.bell.is_set()]
                failures += await self._handle_account(rung)
            await self.announcer.drain()
            announcing.cancel()
        relays = self.sender.state.values()
        failures += [relay.last_error for relay in relays]
        return tuple(failure for failure in failures if failure)

    async def _handle_accounts(self) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._handle_account(each.watches))
                for each in self.attendances
            ]
        return [failure for task in tasks for failure in task.result()]

    async def _handle_account(self, watches: Iterable[Watch]) -> list[str]:
        failures: list[str] = []
        try:
            for watch in watches:
                account = self.accounts[watch.account]
                failures.append(await watch.handle_once(account))
        except AuthenticationError as error:
            failures.append(str(error))
        return failures
