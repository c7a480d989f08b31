"""`postroom outbox show`: one delivery."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.reading import (
    cell,
    make_facts,
    make_table,
    print_json,
    read,
    tell_time,
)
from postroom.store.report import AttemptReport, DeliveryDetail, DeliveryReport


def main(config: Path | None, id_: int, json: bool) -> int:
    """Print all that is known of a delivery; 1 if there is none of this number."""
    with telling_errors():
        detail = read(config, lambda store: store.show_delivery(id_))
        if json:
            print_json(asdict(detail))
        else:
            _show(make_console(), detail)
    return Exit.DONE


def _show(console: Console, detail: DeliveryDetail) -> None:
    console.print(make_facts(_facts(detail.report)))
    if detail.tried:
        table = make_table("begun", "outcome", "reply")
        for each in detail.tried:
            table.add_row(tell_time(each.started), _outcome(each), cell(_reply(each)))
        console.print()
        console.print(table)
    console.print()
    console.print(cell(detail.header.replace("\r\n", "\n").rstrip()))


def _facts(report: DeliveryReport) -> dict[str, str]:
    key = report.message
    return {
        "delivery": f"{report.id}, {report.state}",
        "to": report.recipient,
        "sender": report.sender or "<> (bounces go nowhere)",
        "by": f"rule {report.rule!r}, through the relay of {report.relay}",
        "of": f"{key.account}/{key.mailbox} UID {key.uid}",
        "Message-ID": report.message_id,
        "decided": tell_time(report.created),
        "next attempt": tell_time(report.next_attempt),
        "last reply": f"{report.code or ''} {report.reply}".strip(),
    }


def _outcome(attempt: AttemptReport) -> str:
    return str(attempt.outcome or "not known yet")


def _reply(attempt: AttemptReport) -> str:
    return f"{attempt.code or ''} {attempt.reply}".strip()
