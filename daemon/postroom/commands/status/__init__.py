"""`postroom status`: how every account is doing, and what waits or needs its owner."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.status import live, monitor
from postroom.commands.status.data import as_data
from postroom.commands.status.standing import look
from postroom.commands.status.table import show


def main(config: Path | None, kind: str) -> int:
    """Tell how things stand: `once` or in `watch` as tables, as `json`, or as the line
    of a `monitor`, whose exit code this is then."""
    if kind == "monitor":
        return monitor.main(config)
    with telling_errors():
        if kind == "json":
            print(json.dumps(as_data(look(config)), indent=2))
            return Exit.DONE
        console = make_console()
        if kind == "watch" and console.is_terminal:
            return live.watch(console, lambda: look(config))
        standing = look(config)
        if standing.summary is None:
            print(f"{standing.store}: nothing was run yet.", file=sys.stderr)
            return Exit.FAILED
        console.print(show(standing))
        if kind == "watch":
            print("this is no terminal: it is told once", file=sys.stderr)
        return Exit.DONE
