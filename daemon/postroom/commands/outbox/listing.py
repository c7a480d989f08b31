"""`postroom outbox list`: the deliveries, newest first."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from postroom.commands.control import find_place
from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.reading import cell, make_table, print_json, read, tell_time
from postroom.ports import DeliveryState
from postroom.store.report import DeliveryReport

_MOST = 1000
_ENDED = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)
_OPEN = tuple(state for state in DeliveryState if state not in _ENDED)
_STYLES = {"failed": "red", "bounced": "red", "held": "yellow", "unknown": "yellow"}


def main(config: Path | None, all_: bool, json: bool) -> int:
    """Print a table of the deliveries, or JSON; without `all_` those still open."""
    states = tuple(DeliveryState) if all_ else _OPEN
    with telling_errors():
        found = read(config, lambda store: store.list_deliveries(states, _MOST))
        if json:
            print_json([asdict(each) for each in found])
            return Exit.DONE
        if find_place(config).settings.postroom.hold:
            print("hold = true in the settings: nothing of this is sent\n")
        if found:
            _show(found)
        else:
            print("the outbox is empty")
    return Exit.DONE


def _show(found: list[DeliveryReport]) -> None:
    table = make_table("id", "state", "to", "by rule", "next attempt", "last reply")
    for each in found:
        table.add_row(
            str(each.id),
            cell(each.state, _STYLES.get(each.state, "")),
            cell(each.recipient),
            cell(each.rule),
            tell_time(each.next_attempt),
            cell(f"{each.code or ''} {each.reply}".strip()),
        )
    make_console().print(table)
    if len(found) == _MOST:
        print(f"the latest {_MOST} are shown")
