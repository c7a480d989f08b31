"""`postroom poll`: look at accounts now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit


def main(config: Path | None, accounts: Sequence[str]) -> int:
    """Have the daemon look at these accounts, or at all; 2 for one there is not."""
    with telling_refusals():
        done = ask(find_place(config), "poll", accounts=list(accounts))
    print(f"{', '.join(done['accounts']) or 'no account'}: looked at now")
    return Exit.DONE
