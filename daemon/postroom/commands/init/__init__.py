"""`postroom init`: from a few answers to settings, a first rule, and where to go on.

Nothing is connected to without leave, nothing is overwritten, and until the end nothing
is written.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from postroom.commands.init.answers import Answers as Answers
from postroom.commands.init.answers import Draft, complete
from postroom.commands.init.dialogue import converse
from postroom.commands.init.files import Files, compose_files
from postroom.commands.init.places import Places, find_places
from postroom.commands.init.trial import find_problems, try_out
from postroom.commands.outcome import Exit, telling_errors
from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.log import configure_logging, printable, say


def main(config: Path | None, answers: Answers) -> int:
    """Ask what is not answered, and write the files; where nobody can be asked, what
    is missing is wrong usage."""
    configure_logging(sys.stderr, format="console", level="error")
    with telling_errors():
        places = find_places(config)
        places.require_free()
        asks = sys.stdin.isatty() and not answers.yes
        draft = converse(places, answers) if asks else _take(places, answers)
        if draft is None:
            return Exit.USAGE
        files = compose_files(places, draft, discover_plugins())
        files.write()
        _tell_next(places, files, draft)
        return Exit.DONE


def _take(places: Places, answers: Answers) -> Draft | None:
    """The draft by the given answers and guesses; None if that can't be, which is
    told."""
    try:
        draft = complete(answers)
        if problems := find_problems(places, draft):
            raise ConfigError(problems)
    except ConfigError as error:
        for problem in error.problems:
            say(printable(str(problem)))
        return None
    if answers.connect:
        for line in try_out(places, draft).lines:
            print(printable(line))
    return draft


def _tell_next(places: Places, files: Files, draft: Draft) -> None:
    for path in files.paths:
        print(f"written: {path}")
    print("\nWhat to do next:")
    if not places.is_usual:
        print(f"  export POSTROOM_CONFIG={shlex.quote(str(places.settings))}")
    if draft.scheme == "credential":
        print("  give the unit its password: LoadCredential= in its [Service] section")
    for command, purpose in (
        ("check --connect", "is everything right, and what can the servers do?"),
        ("explain mail.eml", "what the rules would do with a saved message"),
        ("run --once", "handle what is there, and end"),
        ("run", "the daemon"),
    ):
        print(f"  {f'postroom {command}':<26}  {purpose}")
    print(f"\nYour first rule stands in {places.rule}: read it, and change it.")
