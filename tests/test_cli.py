"""The command line: quick to start, with help that shows how, and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from postroom import __version__

PROGRAM = Path(sys.executable).with_name("postroom")
COMMANDS = ("demo", "check", "run", "explain", "status", "plugins")
# What only commands need, and what takes long to load.
HEAVY = ("sqlalchemy", "pymap", "aioimaplib", "aiosmtplib", "pydantic", "apscheduler")


def postroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=60
    )


def test_the_help_names_every_command() -> None:
    done = postroom("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:")[2].split("\n")
    names = {line.split()[0] for line in listed if line.startswith("  ")}
    assert names >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(command: str) -> None:
    done = postroom(command, "--help")
    assert done.returncode == 0
    assert f"Example: postroom {command}" in done.stdout


def test_the_version_is_told() -> None:
    assert postroom("--version").stdout == f"postroom {__version__}\n"


def test_the_help_loads_nothing_that_is_slow() -> None:
    """The command line knows its commands without loading any."""
    told = loaded_after("import postroom.cli")
    assert "typer" in told
    assert not told & set(HEAVY)
    assert not {name for name in told if name.startswith("postroom.commands")}


def test_a_command_loads_what_it_needs() -> None:
    """Or the test above would show nothing."""
    assert {"sqlalchemy", "pydantic"} <= loaded_after("import postroom.commands.status")


def loaded_after(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after this."""
    program = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["run", "--fast"], ["explain"], ["check", "extra"]],
    ids=["nothing", "command", "option", "too few", "too many"],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = postroom(*arguments)
    assert done.returncode == 2
    assert "Usage: postroom" in done.stdout + done.stderr
