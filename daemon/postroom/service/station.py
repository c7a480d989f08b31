"""One account while it is looked after: its servers, its watched mailboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, Protocol

from postroom.errors import AuthenticationError
from postroom.ports import Account
from postroom.rules.schedule import Schedule
from postroom.service.logins import Logins
from postroom.service.watch import Watch

if TYPE_CHECKING:  # whoever has one has loaded it
    from postroom.service.timetable import Timetable


class Care(Protocol):
    """How the mailboxes of an account are looked after."""

    @property
    def watches(self) -> Sequence[Watch]:
        """What is done for each of them."""

    @property
    def logins(self) -> Logins:
        """When the account may log in."""

    def hurry(self) -> None:
        """Have all of them looked at now."""

    async def run(self) -> NoReturn:
        """Look after them until cancelled."""


@dataclass(frozen=True)
class Station:
    """Looks after one account; its bells ring at each of these intervals."""

    account: Account
    intervals: Sequence[timedelta | Schedule]
    care: Care
    # All that it was made of: another key needs another station.
    key: object = None

    @property
    def watches(self) -> Sequence[Watch]:
        """The watched mailboxes."""
        return self.care.watches

    async def run(self, timetable: Timetable) -> NoReturn:
        """Watch until cancelled."""
        with ExitStack() as stack:
            for watch in self.watches:
                for interval in self.intervals:
                    stack.enter_context(timetable.ringing(interval, watch.ring))
            await self.care.run()

    def look(self, *, secret_changed: bool = True) -> None:
        """Have every mailbox looked at now; refused credentials are tried again, if
        they are others or the owner wants it."""
        self.care.hurry()
        if secret_changed:
            self.care.logins.forgive()

    async def look_and_tell(self, seconds: float) -> str | None:
        """Have every mailbox looked at now, as the owner wants it; what is wrong, empty
        if nothing is, and None if after so many seconds that is not known yet."""
        asked = {watch.mailbox: watch.next_look() for watch in self.watches}
        self.look()
        _, pending = await asyncio.wait(asked.values(), timeout=seconds)
        for each in pending:
            each.cancel()
        ended = [each for each in asked.items() if each[1] not in pending]
        failures = {name: look.result() for name, look in ended if look.result()}
        return _in_words(failures, len(asked)) or (None if pending else "")

    def go_on(self) -> None:
        """Have every mailbox looked into, as what kept that from being done is mended
        here."""
        for watch in self.watches:
            watch.call()
        self.care.logins.hasten()

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


def _in_words(failures: Mapping[str, str], mailboxes: int) -> str:
    """What is wrong, once where it is the same with every mailbox."""
    whys = {*failures.values()}
    if len(whys) == 1 and len(failures) == mailboxes:
        return whys.pop()
    return "; ".join(f"{name}: {why}" for name, why in failures.items())
