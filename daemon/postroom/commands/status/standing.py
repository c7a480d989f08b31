"""How things stand: what the store says, beside what the settings want.

Invariant: what is watched is what the settings name, whatever the store remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postroom.commands.control import find_place
from postroom.config.settings import AccountTable, Settings
from postroom.mail.names import canonical
from postroom.ports import Hold, HoldKind, MessageState
from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from postroom.store.lock import find_holder
from postroom.store.report import MailboxReport, Summary

REFUSED = "refused"
FAILING = ("retrying", REFUSED)


@dataclass(frozen=True)
class MailboxStanding:
    """What a mailbox's watcher is at, or was at last: in the states of watchers, or
    `paused`, `stopped` and `unknown`."""

    name: str
    state: str
    detail: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None
    checked: datetime | None = None
    due: datetime | None = None

    @property
    def failing_since(self) -> datetime | None:
        """When it was last looked at, or was to be again, if it can't be now; or when
        that was told."""
        if self.state not in FAILING:
            return None
        if self.due and self.since:
            return min(self.due, self.since)
        return self.checked or self.since


@dataclass(frozen=True)
class AccountStanding:
    """An account of the settings: its messages by state, and its watched mailboxes."""

    name: str
    hold: Hold | None
    messages: Mapping[MessageState, int]
    mailboxes: tuple[MailboxStanding, ...]

    @property
    def refusal(self) -> str:
        """Why its server lets us in no more, in its words; empty if it does."""
        refused = [each for each in self.mailboxes if each.state == REFUSED]
        return refused[0].detail if refused else ""


@dataclass(frozen=True)
class Standing:
    """How things stand at a time; `summary` is None before the first run, and `pid`
    where no daemon runs."""

    settings: Settings
    store: Path
    summary: Summary | None
    pid: int | None
    now: datetime

    @property
    def accounts(self) -> tuple[AccountStanding, ...]:
        """Every account of the settings."""
        return tuple(self._account(name) for name in self.settings.account)

    @property
    def rule_holds(self) -> tuple[Hold, ...]:
        """The rules that are held."""
        return tuple(each for each in self._holds if each.kind is HoldKind.RULE)

    @property
    def _holds(self) -> tuple[Hold, ...]:
        return self.summary.holds if self.summary else ()

    def _account(self, name: str) -> AccountStanding:
        of_account = HoldKind.ACCOUNT, name
        hold = next((h for h in self._holds if (h.kind, h.name) == of_account), None)
        reports = {
            canonical(report.mailbox): report
            for report in (self.summary.mailboxes if self.summary else ())
            if report.account == name
        }
        table = self.settings.account[name]
        mailboxes = tuple(
            self._mailbox(mailbox, reports.get(mailbox), hold, table)
            for mailbox in table.watch
        )
        messages = self.summary.messages.get(name, {}) if self.summary else {}
        return AccountStanding(name, hold, messages, mailboxes)

    def _mailbox(
        self,
        name: str,
        report: MailboxReport | None,
        hold: Hold | None,
        table: AccountTable,
    ) -> MailboxStanding:
        watch = report.watch if report else None
        looked = report.cursor.checked if report and report.cursor else None
        # In 1970: it was not read to its end yet.
        checked = looked if looked and looked.year > 1970 else None
        detail = watch.detail if watch else ""
        if self.pid is None or hold:
            state = "stopped" if self.pid is None else "paused"
            return MailboxStanding(name, state, detail, checked=checked)
        if watch is None:
            return MailboxStanding(name, "unknown", checked=checked)
        times = watch.since, watch.retry_at, checked, _due(table, checked)
        return MailboxStanding(name, watch.state, detail, *times)


def _due(table: AccountTable, checked: datetime | None) -> datetime | None:
    """When a maildrop was to be visited again; mailboxes are looked at all the time."""
    if table.pop3 is None or checked is None:
        return None
    if isinstance(table.poll, timedelta):
        return checked + table.poll
    # Imported here, because it is heavy.
    from postroom.service.timetable import due_after

    return due_after(table.poll, checked)


def look(config: Path | None) -> Standing:
    """How things stand now; raises `ConfigError` and `StoreError`."""
    place = find_place(config)
    summary = asyncio.run(_ask(place.store)) if place.store.exists() else None
    holder = find_holder(place.store)
    pid = holder.pid if holder else None
    return Standing(place.settings, place.store, summary, pid, datetime.now(UTC))


async def _ask(path: Path) -> Summary:
    async with open_store(path, clock=SystemClock(), read_only=True) as store:
        return await store.summary()
