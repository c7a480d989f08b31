"""`postroom quarantine show`: one message that was put aside."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.reading import make_facts, print_json, read, tell_time
from postroom.store.report import QuarantinedReport


def main(config: Path | None, id_: int, json: bool) -> int:
    """Print all that is known of it; 1 if there is none of this number."""
    with telling_errors():
        found = read(config, lambda store: store.show_quarantined(id_))
        if json:
            print_json(asdict(found))
        else:
            make_console().print(make_facts(_facts(found)))
    return Exit.DONE


def _facts(report: QuarantinedReport) -> dict[str, str]:
    key = report.key
    return {
        "message": str(report.id),
        "where": f"{key.account}/{key.mailbox} UID {key.uid}",
        "Message-ID": report.message_id,
        "size": f"{report.size} octets",
        "received": tell_time(report.received),
        "attempts": str(report.attempts),
        "quarantined": tell_time(report.updated),
        "stage": report.stage,
        "why": report.reason,
    }
