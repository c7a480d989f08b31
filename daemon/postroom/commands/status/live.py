"""`status --watch`: how things stand, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from postroom.commands.outcome import Exit
from postroom.commands.status.standing import Standing
from postroom.commands.status.table import show

_EVERY = 2.0  # seconds


def watch(
    console: Console,
    look: Callable[[], Standing],
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Show it anew every two seconds until Ctrl-C, which is a good end."""
    try:
        with Live(show(look()), console=console, auto_refresh=False) as live:
            while True:
                pause(_EVERY)
                live.update(show(look()), refresh=True)
    except KeyboardInterrupt:
        return Exit.DONE
