"""`postroom quarantine release`: have messages go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from postroom.commands.control import ask, find_place, telling_refusals
from postroom.commands.outcome import Exit
from postroom.commands.reading import print_json


def main(config: Path | None, ids: Sequence[int], json: bool) -> int:
    """Have all of these go on; 1, and none is, if one is not in quarantine."""
    with telling_refusals():
        ask(find_place(config), "quarantine release", ids=list(ids))
    if json:
        print_json({"released": list(ids)})
    else:
        print(f"released: {', '.join(map(str, ids))}")
    return Exit.DONE
