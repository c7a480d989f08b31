"""One account while it is looked after: its servers, its watched mailboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from postroom.config.settings import AccountTable
from postroom.errors import AuthenticationError
from postroom.ports import Account
from postroom.service.attendance import Attendance
from postroom.service.timetable import Timetable
from postroom.service.watch import Watch

# However seldom a mailbox is polled: a push that never came is made good by then.
_LONGEST_UNSEEN = timedelta(minutes=15)


@dataclass(frozen=True)
class Station:
    """Looks after one account, as its table in the settings says."""

    account: Account
    table: AccountTable
    attendance: Attendance
    # All that it was made of: another key needs another station.
    key: object = None

    @property
    def watches(self) -> Sequence[Watch]:
        """The watched mailboxes."""
        return self.attendance.watches

    async def run(self, timetable: Timetable) -> NoReturn:
        """Watch until cancelled."""
        interval = min(self.table.poll, _LONGEST_UNSEEN)
        with ExitStack() as stack:
            for watch in self.watches:
                stack.enter_context(timetable.ringing(interval, watch.ring))
            await self.attendance.run()

    def look(self, *, secret_changed: bool = True) -> None:
        """Have every mailbox looked at now; refused credentials are tried again, if
        they are others or the owner wants it."""
        for watch in self.watches:
            watch.call()
        if secret_changed:
            self.attendance.logins.forgive()

    async def handle_once(
        self, wanted: Callable[[Watch], bool] = lambda _: True
    ) -> list[str]:
        """Handle what is there now in those that are wanted; what went wrong."""
        return await self._handle(filter(wanted, self.watches))

    async def _handle(self, watches: Iterable[Watch]) -> list[str]:
        failures: list[str] = []
        try:
            for watch in watches:
                failures.append(await watch.handle_once(self.account))
        except AuthenticationError as error:
            failures.append(str(error))
        return failures
