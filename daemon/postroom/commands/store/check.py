"""`postroom store check`: whether the store is sound."""

from __future__ import annotations

from pathlib import Path

from postroom.commands.control import find_place
from postroom.commands.outcome import Exit, telling_errors
from postroom.commands.reading import print_json
from postroom.log import printable
from postroom.store.integrity import find_faults
from postroom.store.upkeep import REMEDY


def main(config: Path | None, json: bool) -> int:
    """Print all that is wrong with it; 1 if anything is."""
    with telling_errors():
        place = find_place(config)
        place.require_store()
        faults = find_faults(place.store)
        if json:
            print_json({"store": str(place.store), "faults": faults})
        elif faults:
            for fault in faults:
                print(printable(fault))
            print(f"\n{len(faults)} wrong. {REMEDY}")
        else:
            print(printable(f"{place.store}: sound"))
    return Exit.FAILED if faults else Exit.DONE
