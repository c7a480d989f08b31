"""How a command ends: its exit code, and what it says of what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from traceback import format_exception

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
    """Say what is wrong in plain words, and exit with the code for it.

    A group of errors, which is what ends a task of the daemon, is told error by error;
    mistakes of our own in it are shown with their traceback.
    """
    try:
        yield
    except PostroomError as error:
        raise SystemExit(_tell_known([error])) from error
    except ExceptionGroup as group:
        known, mistakes = group.split(PostroomError)
        if mistakes:
            traceback = "".join(format_exception(mistakes))
            print(printable(traceback), file=sys.stderr)
        code = _tell_known(list(_flatten(known)) if known else [])
        raise SystemExit(Exit.FAILED if mistakes else code) from group


def _flatten(group: ExceptionGroup[PostroomError]) -> Iterator[PostroomError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _flatten(error)
        else:
            yield error


def _tell_known(errors: Sequence[PostroomError]) -> Exit:
    """Say each of these once; the exit code for them."""
    for told in dict.fromkeys(map(_tell, errors)):
        print(told, file=sys.stderr)
    is_wrong = any(isinstance(error, ConfigError) for error in errors)
    return Exit.WRONG_CONFIGURATION if is_wrong else Exit.FAILED


def _tell(error: PostroomError) -> str:
    if isinstance(error, ConfigError):
        return _tell_problems(error)
    return printable(str(error))


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
