"""`postroom check`: everything the user wrote, every problem at once."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from postroom.commands.abilities import Told, tell_answers
from postroom.commands.connecting import ask_servers
from postroom.commands.findings import as_data, show_findings, tell_count
from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.commands.servers import show_servers
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import find_settings
from postroom.config.writable import (
    find_unusable_maildirs,
    find_unwritable_places,
)
from postroom.errors import ConfigError, Problem
from postroom.log import configure_logging, printable


def main(config: Path | None, connect: bool, json: bool = False) -> int:
    """Check the files, and with `connect` the servers; 78 if the files are wrong."""
    configure_logging(sys.stderr, format="console", level="error")
    with telling_errors():
        try:
            configuration = load_configuration(find_settings(config))
        except ConfigError as error:
            _show_problems(error.problems, json)
            return Exit.WRONG_CONFIGURATION
        found = asyncio.run(_look(configuration)) if connect else _Found()
        warnings = [*configuration.warnings, *found.warnings]
        if json:
            _print_data(found.problems, warnings, found.told)
        else:
            _show(make_console(), configuration, found)
        failed = found.problems or any(each.failed for each in found.told)
        return Exit.FAILED if failed else Exit.DONE


@dataclass(frozen=True)
class _Found:
    """What `connect` finds: how the servers answer, and what can't be written here."""

    told: Sequence[Told] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()


async def _look(configuration: Configuration) -> _Found:
    return _Found(
        tell_answers(configuration, await ask_servers(configuration)),
        list(find_unusable_maildirs(configuration)),
        list(find_unwritable_places(configuration)),
    )


def _show_problems(problems: Sequence[Problem], json: bool) -> None:
    if json:
        _print_data(problems, [], [])
        return
    console = make_console()
    show_findings(console, problems, [])
    console.print(f"{tell_count(len(problems), 'problem')}; nothing was done.")


def _show(console: Console, configuration: Configuration, found: _Found) -> None:
    warnings = [*configuration.warnings, *found.warnings]
    show_findings(console, found.problems, warnings)
    show_servers(console, found.told)
    counts = [
        tell_count(len(configuration.settings.account), "account"),
        tell_count(len(configuration.rules), "rule"),
    ]
    failed = len({each.account for each in found.told if each.failed})
    if found.problems or not failed:
        counts.append(tell_count(len(found.problems), "problem"))
    if failed:
        unreached = "could not be reached or refused the login"
        counts.append(f"{tell_count(failed, 'account')} {unreached}")
    if warnings:
        counts.append(tell_count(len(warnings), "warning"))
    path = printable(str(configuration.path))
    console.print(f"{path}: {', '.join(counts)}.", markup=False, soft_wrap=True)


def _print_data(
    problems: Sequence[Problem], warnings: Sequence[Problem], told: Sequence[Told]
) -> None:
    data: dict[str, Any] = {
        "problems": as_data(problems),
        "warnings": as_data(warnings),
        "servers": [each.data for each in told],
    }
    print(json_format.dumps(data, indent=2))
