"""The tutorial on plugins, done as it says: its files written, its commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import ROOT

MANUAL = (ROOT / "plugins/README.md").read_text()
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"# (\S+)\n")

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "me@example.org"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1" }}
"""
ENVIRONMENT = {
    **os.environ,
    "MAIL_PASSWORD": "tell-nobody",
    "TZ": "UTC",
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
}


def files() -> Iterator[tuple[str, str]]:
    """(path, text) of every block that says in its first line where it stands."""
    for _, block in _BLOCK.findall(MANUAL):
        if named := _NAME.match(block):
            yield named[1], block


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of the manual, and the lines it is said to print."""
    for language, block in _BLOCK.findall(MANUAL):
        if language == "console":
            for part in block.split("$ ", maxsplit=block.count("\n$ ") + 1)[1:]:
                command, *lines = part.splitlines()
                yield command, lines


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with settings and the files of the tutorial."""
    (tmp_path / "postroom.toml").write_text(SETTINGS.format(folder=tmp_path))
    for path, text in files():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def run(place: Path, line: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        cwd=place,
        env={**ENVIRONMENT, **more},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_commands_print_what_the_tutorial_says(place: Path) -> None:
    config = {"POSTROOM_CONFIG": str(place / "postroom.toml")}
    told = list(commands())
    assert len(told) == 2
    for command, lines in told:
        done = run(place, ["/bin/sh", "-c", command], **config)
        assert done.returncode == 0, done.stderr
        printed = [" ".join(line.split()) for line in done.stdout.splitlines()]
        assert [" ".join(line.split()) for line in lines] == printed, done.stdout


def test_the_plugins_pass_the_tests_of_the_tutorial(place: Path) -> None:
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = run(place, line, PYTHONPATH=str(place / "plugins"))
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_every_plugin_of_the_tutorial_is_listed(place: Path) -> None:
    names = {Path(path).stem for path, _ in files() if path.startswith("plugins/")}
    assert names == {"shouting", "newcomer", "journal", "hook", "wallet"}
    settings = place / "postroom.toml"
    done = run(place, ["postroom", "plugins", "--config", str(settings)])
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert names | {"keyword"} <= listed
