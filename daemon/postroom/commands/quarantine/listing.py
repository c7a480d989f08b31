"""`postroom quarantine list`: the messages that were put aside."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.reading import cell, make_table, print_json, read, tell_time
from postroom.store.report import QuarantinedReport

_MOST = 1000


def main(config: Path | None, json: bool) -> int:
    """Print a table of them, latest first, or JSON."""
    with telling_errors():
        found = read(config, lambda store: store.quarantined(_MOST))
        if json:
            print_json([asdict(each) for each in found])
        elif found:
            _show(found)
        else:
            print("nothing is in quarantine")
    return Exit.DONE


def _show(found: list[QuarantinedReport]) -> None:
    table = make_table("id", "where", "received", "Message-ID", "stage", "why")
    for each in found:
        key = each.key
        table.add_row(
            str(each.id),
            cell(f"{key.account}/{key.mailbox} UID {key.uid}"),
            tell_time(each.received),
            cell(each.message_id),
            each.stage,
            cell(each.reason),
        )
    make_console().print(table)
