"""How a command ends: its exit code, and what it says of what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console

from postroom.errors import ConfigError, PostroomError
from postroom.log import printable


class Exit(IntEnum):
    """The exit codes; systemd never restarts after `WRONG_CONFIGURATION`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WRONG_CONFIGURATION = 78


@contextmanager
def telling_errors() -> Iterator[None]:
    """Say what is wrong in plain words, and exit with the code for it."""
    try:
        yield
    except ConfigError as error:
        print(_tell_problems(error), file=sys.stderr)
        raise SystemExit(Exit.WRONG_CONFIGURATION) from error
    except PostroomError as error:
        print(printable(str(error)), file=sys.stderr)
        raise SystemExit(Exit.FAILED) from error
    except ExceptionGroup as group:
        # What ends a task of the daemon ends it: say it plainly where it is known.
        known, unknown = group.split(PostroomError)
        if known is None or unknown is not None:
            raise
        print(printable(str(known.exceptions[0])), file=sys.stderr)
        raise SystemExit(Exit.FAILED) from group


def _tell_problems(error: ConfigError) -> str:
    lines = [printable(str(problem)) for problem in error.problems]
    count = len(lines)
    return "\n".join(
        [*lines, f"{count} problem{'s' * (count != 1)}; nothing was done."]
    )


def make_console() -> Console:
    """Where tables go; without a terminal, wide enough to cut nothing."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    width = int(os.environ.get("COLUMNS") or 200)
    return Console(highlight=False, width=width, color_system=None)
