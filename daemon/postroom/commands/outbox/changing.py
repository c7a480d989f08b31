"""`postroom outbox retry`, `hold` and `drop`: what becomes of deliveries."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.log import printable

_DONE = {"retry": "tried now", "hold": "held", "drop": "dropped"}


def main(
    config: Path | None,
    what: str,
    ids: Sequence[int],
    states: Sequence[str],
    sure: bool,
) -> int:
    """Do it to the deliveries of these numbers and states; 1 if to any it is not.

    Without being `sure`, a person at a terminal is asked, and nobody else may.
    """
    with telling_refusals():
        place = find_place(config)
        if not (sure or _is_sure(what, ids, states)):
            return Exit.FAILED
        chosen = {"ids": list(ids), "states": list(states)}
        outcome = ask(place, f"outbox {what}", **chosen)
    done, refused = outcome["done"], outcome["refused"]
    print(f"{_DONE[what]}: {', '.join(map(str, done)) or 'none'}")
    for number, reason in refused.items():
        print(printable(f"delivery {number}: {reason}"), file=sys.stderr)
    return Exit.FAILED if refused else Exit.DONE


def _is_sure(what: str, ids: Sequence[int], states: Sequence[str]) -> bool:
    meant = [*map(str, ids), *(f"all that are {state}" for state in states)]
    if not sys.stdin.isatty():
        print(f"{what}: say --yes where nobody can be asked", file=sys.stderr)
        return False
    answer = input(f"{what} {', '.join(meant)}: they will never be sent. Sure? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
