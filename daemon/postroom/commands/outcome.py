"""How a command ends: its exit code, and what it says of what is wrong.

Whatever is shown can be shown: a locale without a letter gets it escaped, a reader that
has gone ends the command without a word.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from traceback import format_exception
from types import TracebackType
from typing import Any

from rich.console import Console

from postroom.errors import ConfigError, PostroomError
from postroom.log import flush_log, printable, say


class Exit(IntEnum):
    """The exit codes; systemd never restarts after `WRONG_CONFIGURATION`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WRONG_CONFIGURATION = 78


@contextmanager
def telling_errors(leave: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Say what is wrong in plain words, and exit with the code for it.

    A group of errors, which is what ends a task of the daemon, is told error by error;
    mistakes of our own in it are shown with their traceback. `leave` is given the first
    of what is wrong on a line, and how many more there are.
    """
    _escape_what_has_no_letter()
    sys.excepthook = _tell_mistake
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        _drop_output()
        raise SystemExit(Exit.FAILED) from error
    except PostroomError as error:
        raise SystemExit(_tell_known([error], leave)) from error
    except ExceptionGroup as group:
        known, mistakes = group.split(PostroomError)
        if mistakes:
            say(printable("".join(format_exception(mistakes)).rstrip()))
        code = _tell_known(list(_flatten(known)) if known else [], leave)
        raise SystemExit(Exit.FAILED if mistakes else code) from group
    finally:
        flush_log()


def _escape_what_has_no_letter() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell_mistake(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show a traceback, which may hold what a server said, without secrets."""
    say(printable("".join(format_exception(kind, error, trace)).rstrip()))


def _drop_output() -> None:
    """Let nothing more be written to a reader that has gone, at the exit above all."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _flatten(group: ExceptionGroup[PostroomError]) -> Iterator[PostroomError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _flatten(error)
        else:
            yield error


def _tell_known(errors: Sequence[PostroomError], leave: Callable[[str], None]) -> Exit:
    """Say each of these once, and leave the first; the exit code for them."""
    for told in dict.fromkeys(map(_tell, errors)):
        say(told)
    if lines := [*dict.fromkeys(line for each in errors for line in _lines(each))]:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        leave(f"{lines[0]}{more}")
    is_wrong = any(isinstance(error, ConfigError) for error in errors)
    return Exit.WRONG_CONFIGURATION if is_wrong else Exit.FAILED


def _tell(error: PostroomError) -> str:
    lines = _lines(error)
    if isinstance(error, ConfigError):
        count = len(lines)
        lines.append(f"{count} problem{'s' * (count != 1)}; nothing was done.")
    return "\n".join(lines)


def _lines(error: PostroomError) -> list[str]:
    wrong = error.problems if isinstance(error, ConfigError) else [error]
    return [printable(str(each)) for each in wrong]


def make_console() -> Console:
    """Where tables go; without a terminal, wide enough to cut nothing."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    width = int(os.environ.get("COLUMNS") or 200)
    return _Trimmed(highlight=False, width=width, color_system=None)


class _Trimmed(Console):
    """Prints without the blanks by which tables fill their lines: programs read it."""

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401 - whatever Console takes
        with self.capture() as captured:
            super().print(*objects, **how)
        lines = captured.get().split("\n")
        self.file.write("\n".join(line.rstrip(" ") for line in lines))
