"""`postroom store erase`: what is kept about one address goes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.commands.reading import print_json, read
from postroom.errors import PermanentError
from postroom.log import printable
from postroom.store.erasure import Traces
from postroom.store.upkeep import empty_log

_REMAINS = (
    "What remains: numbers, times, sizes, hashes and states, so that nothing is done "
    "twice; rule files that name it; mail on servers and in Maildirs; logs; and your "
    "backups, which are yours to erase."
)


def main(
    config: Path | None, address: str, dry_run: bool, sure: bool, json: bool
) -> int:
    """Erase what is kept about the address, or only count it; 1, and nothing is erased,
    if something about it is still open."""
    with telling_refusals():
        place = find_place(config)
        place.require_store()
        if not _is_address(address):
            raise PermanentError(f"{address}: expected an address, as ann@example.org")
        if dry_run:
            traces = read(config, lambda store: store.traces(address))
            return _tell_traces(address, traces, json)
        if not (sure or _is_sure(address)):
            return Exit.FAILED
        counts = ask(place, "store erase", address=address)
        emptied = empty_log(place.store)
        if json:
            print_json({"erased": counts})
            return Exit.DONE
    print(printable(f"erased {address}: {_list(counts)}"))
    if not emptied:
        print("the store's log still has it, until whoever reads the store is done")
    print(_REMAINS)
    return Exit.DONE


def _tell_traces(address: str, traces: Traces, json: bool) -> int:
    open_ = {
        "deliveries": [*traces.open_deliveries],
        "messages": [*traces.open_messages],
    }
    if json:
        print_json({"found": traces.counts, "open": open_})
        return Exit.DONE
    print(printable(f"would erase {address}: {_list(traces.counts)}"))
    for name, numbers in open_.items():
        if numbers:
            print(f"still open, and first to be ended: {name} {numbers}")
    return Exit.DONE


def _list(counts: Mapping[str, int]) -> str:
    told = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items()]
    return ", ".join(told) or "nothing"


def _is_address(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(name and at and domain)


def _is_sure(address: str) -> bool:
    if not sys.stdin.isatty():
        print("erase: say --yes where nobody can be asked", file=sys.stderr)
        return False
    answer = input(f"erase all about {printable(address)} for good. Sure? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
