"""`postroom poll`: look at accounts now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.log import printable

_LATER = "is being looked at; `postroom status` tells how it goes on"


def main(config: Path | None, accounts: Sequence[str]) -> int:
    """Have the daemon look at these accounts, or at all; 1 if one can't be looked at, 2
    for one there is not."""
    with telling_refusals():
        done = ask(find_place(config), "poll", accounts=list(accounts))
    looks: dict[str, str | None] = done["accounts"]
    failed = {name: why for name, why in looks.items() if why}
    if seen := [name for name, why in looks.items() if why == ""]:
        print(f"{', '.join(seen)}: looked at now")
    if unknown := [name for name, why in looks.items() if why is None]:
        print(f"{', '.join(unknown)}: {_LATER}")
    if not looks:
        print("no account is looked at: all are paused")
    for name, why in failed.items():
        print(printable(f"{name}: could not be looked at: {why}"), file=sys.stderr)
    return Exit.FAILED if failed else Exit.DONE
