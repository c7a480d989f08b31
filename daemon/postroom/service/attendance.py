"""The connections of one account, and which mailboxes each of them looks after.

As many mailboxes as there may be connections have one of their own; what is more is
looked after by the last connection together. A server that wants fewer connections
gets fewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from postroom.log import get_logger
from postroom.service.logins import Logins
from postroom.service.patrol import Patrol
from postroom.service.watch import Watch
from postroom.service.watcher import Watcher

log = get_logger()

_Group = tuple[Watch, ...]


@dataclass(frozen=True)
class Attendance:
    """Looks after the mailboxes of one account."""

    watches: Sequence[Watch]
    logins: Logins
    hold: Callable[[Watch], Watcher]
    patrol: Callable[[Sequence[Watch]], Patrol]

    async def run(self) -> NoReturn:
        """Watch all of them until cancelled."""
        tasks: dict[_Group, asyncio.Task[NoReturn]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                allowed = self.logins.allowed
                wanted = self.allot(allowed)
                await _end([tasks.pop(each) for each in tasks.keys() - set(wanted)])
                for each in wanted:
                    if each not in tasks:
                        tasks[each] = group.create_task(self._look_after(each))
                await self.logins.reallotted(allowed)
                log.info(
                    "connections_reallotted",
                    account=self.watches[0].account,
                    connections=self.logins.allowed,
                )

    def hurry(self) -> None:
        """Have every mailbox looked at now."""
        for watch in self.watches:
            watch.call()

    def allot(self, connections: int) -> list[_Group]:
        """The mailboxes of each connection, of which there are so many at most."""
        watches = tuple(self.watches)
        if len(watches) <= connections:
            return [(watch,) for watch in watches]
        alone = connections - 1
        return [*((watch,) for watch in watches[:alone]), watches[alone:]]

    async def _look_after(self, group: _Group) -> NoReturn:
        if len(group) == 1:
            await self.hold(group[0]).run()
        await self.patrol(group).run()


async def _end(tasks: Sequence[asyncio.Task[NoReturn]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
