"""`postroom reload`: have the daemon read settings, rules and secrets again."""

from __future__ import annotations

import sys
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.log import printable


def main(config: Path | None) -> int:
    """Have it reload; 78 with every problem if it goes on with what it had."""
    with telling_refusals():
        problems = ask(find_place(config), "reload")["problems"]
    if not problems:
        print("reloaded")
        return Exit.DONE
    for problem in problems:
        print(printable(problem), file=sys.stderr)
    print("Nothing was changed: the daemon goes on with what it had.", file=sys.stderr)
    return Exit.WRONG_CONFIGURATION
