"""`postroom pause`: an account is watched no more, or a rule asked no more."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.log import printable


def main(config: Path | None, name: str) -> int:
    """Hold it, and tell since when and why; 2 for a name there is not."""
    with telling_refusals():
        held = ask(find_place(config), "pause", name=name)
    since = datetime.fromisoformat(held["since"]).astimezone()
    told = f"{held['kind']} {name} is held since {since:%Y-%m-%d %H:%M}"
    print(printable(f"{told}: {held['reason']}"))
    print(f"It goes on with: postroom resume {printable(name)!r}")
    return Exit.DONE
