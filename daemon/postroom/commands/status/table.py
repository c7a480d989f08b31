"""How things stand, for a person: as wide as the terminal, and without its controls."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from postroom.commands.status.standing import (
    AccountStanding,
    MailboxStanding,
    Standing,
)
from postroom.commands.status.words import (
    span,
    tell_counts,
    tell_hold,
    tell_retry,
    tell_undelivered,
)
from postroom.log import printable
from postroom.store.report import Delayed, Summary, Trouble

_STYLES = {
    "idle": "green",
    "polling": "green",
    "retrying": "red",
    "refused": "red",
    "paused": "yellow",
}
_LONGEST_NAME = 30


def show(standing: Standing) -> RenderableType:
    """All of it, the most usual first and what needs its owner last."""
    if standing.summary is None:
        return Text(f"{standing.store}: nothing was run yet.")
    return Group(
        *_heading(standing),
        *_accounts(standing),
        *_outbox(standing, standing.summary),
        *_needs(standing, standing.summary),
    )


def _heading(standing: Standing) -> Iterator[RenderableType]:
    running = standing.pid is not None
    told = f"running, process {standing.pid}" if running else "not running"
    yield Text(f"postroom is {told}", "bold" if running else "bold red")
    if standing.settings.postroom.hold:
        yield Text("hold = true: nothing goes out, filing goes on", "yellow")


def _accounts(standing: Standing) -> Iterator[RenderableType]:
    accounts = standing.accounts
    names = [mailbox.name for each in accounts for mailbox in each.mailboxes]
    width = min(max(map(len, names)), _LONGEST_NAME)
    for account in accounts:
        yield Text()
        yield _account(account, standing)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=width, overflow="fold")
        table.add_column(width=len("connecting"))
        table.add_column(width=len("59 min ago"))
        table.add_column(overflow="fold")
        for mailbox in account.mailboxes:
            table.add_row(*_cells(mailbox, standing))
        yield Padding(table, (0, 0, 0, 2))


def _account(account: AccountStanding, standing: Standing) -> Text:
    line = Text.assemble((account.name, "bold"), "  ")
    if account.hold:
        line.append(_clean(f"paused {tell_hold(account.hold, standing.now)}"), "yellow")
        line.append("  ")
    return line.append(tell_counts(account.messages) or "no messages yet")


def _cells(mailbox: MailboxStanding, standing: Standing) -> Iterator[Text]:
    yield Text(_clean(mailbox.name))
    yield Text(mailbox.state, _STYLES.get(mailbox.state, ""))
    checked = mailbox.checked
    yield Text(f"{span(standing.now, checked)} ago" if checked else "never")
    again = tell_retry(mailbox.retry_at, standing.now)
    yield Text(_clean(f"{mailbox.detail}{again}"))


def _outbox(standing: Standing, summary: Summary) -> Iterator[RenderableType]:
    yield Text()
    told = tell_counts(summary.deliveries) or "empty"
    yield Text.assemble(("outbox", "bold"), f": {told}")
    for name, count in summary.relays.items():
        yield _line(f"relay {name}: {count} to be sent")
    for report in summary.relay_troubles:
        at = report.retry_at if standing.pid else None
        again = tell_retry(at, standing.now)
        yield _line(f"relay {report.name}: {report.error}{again}", "red")
    for delivery in summary.undelivered:
        yield _line(tell_undelivered(delivery, standing.now), "yellow")


def _needs(standing: Standing, summary: Summary) -> Iterator[RenderableType]:
    lines = [
        f"account {each.name} was refused: {each.refusal}: put it right, and say "
        f"`postroom resume {each.name}`"
        for each in standing.accounts
        if each.refusal
    ]
    lines += [f"{each.name}: {each.text}" for each in summary.notices]
    waiting = dict(summary.waiting)
    for hold in standing.rule_holds:
        told = f"rule {hold.name!r} is held {tell_hold(hold, standing.now)}"
        lines.append(f"{told}{_tell_waiting(waiting.pop(hold.name, 0))}")
    lines += [f"rule {name!r}{_tell_waiting(waiting[name])}" for name in waiting]
    lines += [_tell_trouble(each, standing) for each in summary.troubles]
    lines += [_tell_delayed(each, standing) for each in summary.delayed]
    if lines:
        yield Text()
        yield Text("needs you", "bold")
        yield from (_line(line, "yellow") for line in lines)


def _tell_trouble(trouble: Trouble, standing: Standing) -> str:
    """The trouble; and its way on, where the message can't be put back for it."""
    table = standing.settings.account.get(trouble.message.account)
    if not trouble.releasable or table is None or table.pop3 is None:
        return str(trouble)
    again = f"postroom release {shlex.quote(trouble.rule or '')}"
    return f"{trouble}; `{again}` has it tried again"


def _tell_delayed(delayed: Delayed, standing: Standing) -> str:
    at = delayed.next_attempt if standing.pid else None
    return f"{delayed}{tell_retry(at, standing.now)}"


def _tell_waiting(count: int) -> str:
    waits = "1 message waits" if count == 1 else f"{count} messages wait"
    return f"; {waits} for it" if count else ""


def _line(text: str, style: str = "") -> RenderableType:
    # In a cell of its own: where it is broken it can be told from the next.
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column()
    line.add_column(overflow="fold")
    line.add_row(" -", Text(_clean(text), style))
    return line


def _clean(text: str) -> str:
    return printable(text)
