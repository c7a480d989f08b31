"""`postroom resume` and `postroom release`: go on with an account or a rule."""

from __future__ import annotations

from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.log import printable


def main(config: Path | None, name: str, kind: str | None) -> int:
    """End a hold, whoever began it; 1 if there was none, 2 for a name there is not."""
    with telling_refusals():
        done = ask(find_place(config), "resume", name=name, kind=kind)
    print(printable(f"{done['kind']} {name} goes on"))
    return Exit.DONE
