"""The command line: quick to start, with help that shows how, and exit codes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from postroom import __version__
from postroom.cli import app

PROGRAM = Path(sys.executable).with_name("postroom")
# What only commands need, and what takes long to load.
HEAVY = ("sqlalchemy", "pymap", "aioimaplib", "aiosmtplib", "pydantic", "apscheduler")


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - Typer's own, which it does not export
    """Every command below this one, and itself, with the words that lead to it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


COMMANDS = dict(commands(typer.main.get_command(app)))


def examples(command: Any) -> list[str]:  # noqa: ANN401 - Typer's own, which it does not export
    """How the help of a command says that it is called."""
    epilog = command.epilog or ""
    _, _, lines = (
        epilog.partition("Example: ") if "Example:" in epilog else ("", "", "")
    )
    _, _, more = epilog.partition("Examples:\n")
    return [line.strip() for line in (more or lines).splitlines()]


def postroom(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_the_help_names_every_command() -> None:
    done = postroom("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:")[2].split("\n")
    names = {line.split()[0] for line in listed if line.startswith("  ")}
    assert names >= {path[0] for path in COMMANDS if path}
    assert "..." not in done.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_has_examples_that_are_right(
    path: tuple[str, ...],
) -> None:
    """Each is a command that there is, with options that it has."""
    shown = examples(COMMANDS[path])
    assert shown
    for example in shown:
        program, *words = shlex.split(example.partition(" <")[0])
        assert program == "postroom"
        assert tuple(words[: len(path)]) == path
        parse(words)


def parse(words: list[str]) -> None:
    """Parse a command line as the program does, and run nothing."""
    command, context = COMMANDS[()], None
    while True:
        context = command.make_context("postroom", words, parent=context)
        inner = getattr(command, "commands", {})
        if not inner or not words:
            return
        if words[0].startswith("-") or words[0] not in inner:
            assert not words[0].isalpha(), words
            return
        command, words = inner[words[0]], words[1:]


def test_an_example_that_is_wrong_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["outbox", "retry", "--fast"])
    with pytest.raises(Exception, match="Missing parameter"):
        parse(["explain"])
    with pytest.raises(AssertionError):
        parse(["fly"])


def test_every_command_leads_to_a_module() -> None:
    """They are loaded late, so that one that is not there would be found late."""
    package = Path(import_module("postroom.cli").__file__ or "").parent
    source = "".join(path.read_text() for path in package.glob("*.py"))
    called = set(re_findall_calls(source))
    assert len(called) >= 15
    for name in called:
        assert callable(import_module(f"postroom.commands.{name}").main)


def re_findall_calls(source: str) -> Iterator[str]:
    """The modules that are called by the command line."""
    for part in source.split('call("')[1:]:
        yield part.partition('"')[0]


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
    [
        [],
        ["fly"],
        ["run", "--fast"],
        ["run", "--log-level", "loud"],
        ["explain"],
        ["check", "extra"],
        ["outbox"],
        ["outbox", "show", "seven"],
        ["outbox", "retry"],
        ["poll"],
        ["schema", "poems"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = postroom(*arguments)
    assert done.returncode == 2
    assert "Usage: postroom" in done.stdout + done.stderr


# -- the shell's completion ------------------------------------------------------------

SETTINGS = """
[postroom]
state = "/nowhere"
[account.home]
[account.work]
"""
RULES = '[[rule]]\nname = "Greet"\n[[rule]]\nname = "Two words"\n'


def complete(folder: Path, *words: str) -> list[str]:
    """What the shell is given for the last of these words."""
    done = postroom(
        _POSTROOM_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(["postroom", *words]),
        COMP_CWORD=str(len(words)),
        POSTROOM_CONFIG=str(folder / "postroom.toml"),
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_commands_and_names(tmp_path: Path) -> None:
    (tmp_path / "postroom.toml").write_text(SETTINGS)
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "1.toml").write_text(RULES)
    assert complete(tmp_path, "qua") == ["quarantine"]
    assert complete(tmp_path, "outbox", "re") == ["retry"]
    assert complete(tmp_path, "poll", "ho") == ["home"]
    assert complete(tmp_path, "pause", "") == ["home", "work", "Greet"]
    assert complete(tmp_path, "release", "G") == ["Greet"]


def test_where_nothing_can_be_read_nothing_is_completed(tmp_path: Path) -> None:
    assert complete(tmp_path, "poll", "") == []
    (tmp_path / "postroom.toml").write_text("account = 7\n")
    assert complete(tmp_path, "pause", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_every_shell(shell: str) -> None:
    done = postroom(_POSTROOM_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert f"complete_{shell}" in done.stdout
