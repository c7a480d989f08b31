"""`postroom store backup`: a copy of the store, whether a daemon runs or not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from postroom.commands.control import find_place
from postroom.commands.outcome import Exit, telling_errors
from postroom.commands.reading import print_json
from postroom.log import printable
from postroom.service.clock import SystemClock
from postroom.store.backup import back_up


def main(config: Path | None, file: Path, replace: bool, json: bool) -> int:
    """Copy the store to the file, over one that is there only to `replace` it."""
    with telling_errors():
        place = find_place(config)
        place.require_store()
        now = SystemClock().now()
        made = back_up(place.store, file.absolute(), now, replace=replace)
        if json:
            print_json(asdict(made))
            return Exit.DONE
    print(
        printable(
            f"{made.file}: {made.octets} octets, schema {made.schema_version}; "
            f"{made.accounts} accounts, {made.messages} messages, "
            f"{made.deliveries} deliveries"
        )
    )
    print("Maildirs, settings, rules and secrets are not in it.")
    return Exit.DONE
