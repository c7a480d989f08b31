"""`postroom store prune`: forget now what is forgotten daily."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from postroom.commands.control import Place, ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.commands.reading import print_json, read
from postroom.service.clock import SystemClock
from postroom.service.housekeeping import old_before
from postroom.store.upkeep import measure

_COUNTED = ("messages", "contents", "octets")


def main(config: Path | None, dry_run: bool, json: bool) -> int:
    """Forget what is old, by the settings, or only count it."""
    with telling_refusals():
        place = find_place(config)
        place.require_store()
        counts = _count(config, place) if dry_run else _prune(place)
        size = measure(place.store)
        told = {**counts, "file": asdict(size)}
        if json:
            print_json(told)
            return Exit.DONE
    done = "would be forgotten" if dry_run else "forgotten"
    print(
        f"{done}: what was done with {counts['messages']} messages, and "
        f"{counts['contents']} contents of {counts['octets']} octets"
    )
    print(f"the store has {size.file} octets, {size.free} of them free")
    return Exit.DONE


def _count(config: Path | None, place: Place) -> Mapping[str, int]:
    before = old_before(place.settings.postroom, SystemClock())
    counted = asdict(read(config, lambda store: store.prunable(before)))
    return {name: counted[name] for name in _COUNTED}


def _prune(place: Place) -> Mapping[str, int]:
    """In parts: a daemon has other work to do meanwhile."""
    counts = dict.fromkeys(_COUNTED, 0)
    more = True
    while more:
        part: dict[str, Any] = ask(place, "store prune")
        counts = {name: counts[name] + part[name] for name in _COUNTED}
        more = part["more"]
    return counts
