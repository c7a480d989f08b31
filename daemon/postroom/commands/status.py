"""`postroom status`: how every account is doing, and what waits to be sent."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.config.configuration import read_settings
from postroom.config.settings import find_settings
from postroom.errors import ConfigError
from postroom.log import printable
from postroom.service.clock import SystemClock
from postroom.service.opening import STORE_NAME
from postroom.store.database import open_store
from postroom.store.lock import find_holder
from postroom.store.report import MailboxReport, Summary, Trouble, Undelivered

_STYLES = {"idle": "green", "polling": "green", "retrying": "red", "refused": "red"}


def main(config: Path | None, json: bool) -> int:
    """Print how things stand, as tables or as JSON."""
    with telling_errors():
        path = find_settings(config)
        settings, problems = read_settings(path)
        if settings is None:
            raise ConfigError(problems)
        store = settings.postroom.state / STORE_NAME
        if not store.exists():
            print(f"{store}: nothing was run yet.", file=sys.stderr)
            return Exit.FAILED
        summary, pid = asyncio.run(_ask(store)), find_holder(store)
        if json:
            print(json_format.dumps(_as_data(summary, pid), indent=2))
        else:
            _show(make_console(), summary, pid)
        return Exit.DONE


async def _ask(path: Path) -> Summary:
    async with open_store(path, clock=SystemClock(), read_only=True) as store:
        return await store.summary()


def _show(console: Console, summary: Summary, pid: int | None) -> None:
    running = f"running, process {pid}" if pid else "not running"
    console.print(Text(f"postroom is {running}", "bold" if pid else "bold red"))
    console.print(_mailboxes(summary, running=pid is not None))
    counts = [f"{count} {state}" for state, count in summary.deliveries.items()]
    console.print(f"outbox: {', '.join(counts) or 'empty'}")
    for name, count in summary.relays.items():
        console.print(Text(printable(f"relay {name}: {count} to be sent")))
    for report in summary.relay_troubles:
        again = f"; again {_ahead(report.retry_at)}" if report.retry_at and pid else ""
        told = f"relay {report.name}: {report.error}{again}"
        console.print(Text(printable(told), "red"))
    for delivery in summary.undelivered:
        console.print(Text(printable(_tell_undelivered(delivery)), "yellow"))
    for trouble in summary.troubles:
        console.print(Text(printable(_tell(trouble)), "yellow"))


def _mailboxes(summary: Summary, *, running: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("account", "mailbox", "state", "last looked at", "messages", ""):
        table.add_column(heading, overflow="fold")
    told_of: set[str] = set()
    for report in summary.mailboxes:
        is_first = report.account not in told_of
        told_of.add(report.account)
        counts = summary.messages.get(report.account, {}) if is_first else {}
        told = ", ".join(f"{count} {state}" for state, count in counts.items())
        looked = report.cursor and report.cursor.checked
        # In 1970: it was not read to its end yet.
        checked = _ago(looked) if looked and looked.year > 1970 else "never"
        state, detail = _state(report, running=running)
        style = _STYLES.get(state, "")
        table.add_row(
            report.account,
            Text(report.mailbox),
            Text(state, style),
            checked,
            told,
            Text(printable(detail)),
        )
    return table


def _state(report: MailboxReport, *, running: bool) -> tuple[str, str]:
    """What the watcher is at, or was at last, and what is to be said of it."""
    watch = report.watch
    if watch is None:
        return ("unknown" if running else "stopped"), ""
    if not running:
        return "stopped", watch.detail
    again = f"; again {_ahead(watch.retry_at)}" if watch.retry_at else ""
    return watch.state, f"{watch.detail}{again}"


def _tell(trouble: Trouble) -> str:
    key = trouble.message
    place = f"{key.account}/{key.mailbox} UID {key.uid} {trouble.message_id}"
    rule = f" by rule {trouble.rule!r}" if trouble.rule else ""
    return f"{trouble.state}: {place}{rule}: {trouble.reason}"


def _tell_undelivered(delivery: Undelivered) -> str:
    at = delivery.next_attempt
    again = f"; again {_ahead(at)}" if at else ""
    return f"{delivery.state}: to {delivery.recipient}: {delivery.reply}{again}"


def _ago(time: datetime) -> str:
    return f"{_span((datetime.now(UTC) - time).total_seconds())} ago"


def _ahead(time: datetime) -> str:
    return f"in {_span((time - datetime.now(UTC)).total_seconds())}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _as_data(summary: Summary, pid: int | None) -> dict[str, Any]:
    return {
        "pid": pid,
        "store": {"id": summary.store_id, "schema": summary.schema_version},
        "mailboxes": list(_mailbox_data(summary, running=pid is not None)),
        "messages": {name: dict(counts) for name, counts in summary.messages.items()},
        "outbox": dict(summary.deliveries),
        "relays": dict(summary.relays),
        "relay_troubles": {each.name: each.error for each in summary.relay_troubles},
        "undelivered": [_tell_undelivered(each) for each in summary.undelivered],
        "troubles": [_tell(trouble) for trouble in summary.troubles],
    }


def _mailbox_data(summary: Summary, *, running: bool) -> Iterator[dict[str, Any]]:
    for report in summary.mailboxes:
        watch = report.watch
        retry_at = watch.retry_at if watch and running else None
        yield {
            "account": report.account,
            "mailbox": report.mailbox,
            "checked": report.cursor.checked.isoformat() if report.cursor else None,
            "state": _state(report, running=running)[0],
            "detail": watch.detail if watch else "",
            "retry_at": retry_at.isoformat() if retry_at else None,
        }
