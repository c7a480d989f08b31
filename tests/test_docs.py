"""The manuals are true: blocks run, and all that can be written is written of."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
import typer

from postroom.cli import app
from postroom.commands.outcome import Exit
from postroom.config.ruletable import RuleTable
from postroom.config.settings import (
    AccountTable,
    ImapServer,
    PopServer,
    PostroomTable,
    Settings,
    SmtpServer,
)
from postroom.hooks import hookspecs
from postroom.hooks.discovery import discover_plugins, find_plugins
from postroom.hooks.plugins import Plugins
from postroom.mail.header import Header
from postroom.mail.message import Message
from postroom.rules.condition import show_options
from tests.architecture import RANKS, ROOT
from tests.builders import read_rules

MANUALS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [
        ROOT / "README.md",
        *sorted(ROOT.glob("*/README.md")),
        ROOT / "rules.d/COOKBOOK.md",
    ]
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"(?!from )(?:\S+ )*?(?:\S*/)?postroom ([a-z]\w*)(?: ([a-z]\w*))?"
)
_LINK = re.compile(r"\]\((?!http)([^)#]+)\)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """(manual, text) of every block in this language."""
    for name, text in MANUALS.items():
        for found, block in _BLOCK.findall(text):
            if found == language:
                yield name, block


def commands_in(text: str) -> Iterator[tuple[str, str]]:
    """(command, next word) of every `postroom ...` in code: in a line, or by itself."""
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE) + fenced.splitlines()
    for code in [*re.findall(r"`([^`\n]+)`", text), *lines]:
        if found := _COMMAND.match(code):
            yield found[1], found[2] or ""


def column(manual: str, number: int = 0) -> set[str]:
    """What stands in code in a column of the tables of a manual."""
    rows = [line for line in MANUALS[manual].splitlines() if line.startswith("| ")]
    cells = [row.split(" | ")[number] for row in rows]
    return {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}


def row(manual: str, name: str) -> set[str]:
    """What stands in code in the rows of a manual that begin with this name."""
    rows = [line for line in MANUALS[manual].splitlines() if line.startswith("| ")]
    firsts = {line: line.split(" | ")[0] for line in rows}
    found = [line for line in rows if f"`{name}`" in firsts[line]]
    return {code for line in found for code in re.findall(r"`([^`]+)`", line)}


def test_every_top_level_folder_has_its_manual() -> None:
    folders = {name.split("/")[0] for name in MANUALS if "/" in name}
    assert {"daemon", "plugins", "rules.d"} <= folders


def plugin_blocks() -> list[tuple[str, str]]:
    """The blocks that are plugins; `test_tutorial.py` runs the test of them."""
    found = blocks("python")
    return [each for each in found if not each[1].startswith("# test_")]


def load_plugin(manual: str, block: str) -> ModuleType:
    """The module that a block is."""
    module = ModuleType("sample")
    exec(compile(block, manual, "exec"), vars(module))
    return module


@pytest.mark.parametrize(("manual", "block"), plugin_blocks())
def test_a_plugin_in_a_manual_is_a_plugin(manual: str, block: str) -> None:
    module = load_plugin(manual, block)
    bundled = discover_plugins()
    plugins = Plugins([("sample", module)])
    assert not set(plugins.conditions) & set(bundled.conditions)
    for registered in plugins.conditions.values():
        assert registered.type.model_validate(True).depth == "headers"
    for action in plugins.actions.values():
        assert show_options(action.type.model_validate("$Later")) == "'$Later'"


@pytest.mark.parametrize(("manual", "block"), [*blocks("toml")])
def test_a_rule_or_setting_in_a_manual_can_be_used(
    tmp_path: Path, manual: str, block: str
) -> None:
    tables = tomllib.loads(block)
    assert tables, manual
    if "rule" in tables:
        beside = [each for each in plugin_blocks() if each[0] == manual]
        modules = [(f"p{n}", load_plugin(*each)) for n, each in enumerate(beside)]
        found = [(each.name, each.module) for each in find_plugins()[0]]
        assert read_rules(tmp_path, block, Plugins([*found, *modules]))
    if "postroom" in tables:
        assert Settings.model_validate(tables).account


def test_every_hook_is_in_the_manual_with_its_arguments() -> None:
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    hooks = [(name, f) for name, f in functions if hasattr(f, "postroom_spec")]
    signatures = {
        f"{n}({', '.join(inspect.signature(f).parameters)})" for n, f in hooks
    }
    assert len(signatures) == 6
    assert signatures <= column("plugins/README.md")


def test_every_hook_is_used_by_a_plugin_in_the_manual() -> None:
    used = "".join(block for _, block in blocks("python"))
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if hasattr(function, "postroom_spec"):
            assert f"def {name}(" in used


def test_every_condition_and_action_is_in_the_manual_of_rules() -> None:
    plugins = discover_plugins()
    told = column("rules.d/README.md")
    assert {*plugins.conditions, *plugins.actions, "any", "all", "not"} <= told


def test_every_option_of_a_condition_or_an_action_is_in_its_row_of_the_manual() -> None:
    """A class of one field is written by its value alone, and needs no name for it."""
    plugins = discover_plugins()
    for registered in (plugins.conditions, plugins.actions):
        for name, found in registered.items():
            fields = found.type.model_fields
            options = {field.alias or key for key, field in fields.items()}
            if len(options) > 1:
                assert options <= row("rules.d/README.md", name), name


def test_every_key_of_a_rule_is_in_the_manual_of_rules() -> None:
    assert set(RuleTable.model_fields) <= column("rules.d/README.md")


def test_every_setting_is_in_the_manual_of_the_daemon() -> None:
    manual = MANUALS["daemon/README.md"]
    for table in (PostroomTable, AccountTable, ImapServer, PopServer, SmtpServer):
        for key in table.model_fields:
            assert re.search(rf"(^|[`{{, ]){key}\b", manual, re.MULTILINE), key


def test_every_command_is_in_the_manual_of_the_daemon() -> None:
    """And no other: `outbox list`, `show` are two of one group."""
    group = typer.main.get_command(app)
    rows = re.findall(r"^\| `postroom (.+?) \|", MANUALS["daemon/README.md"], re.M)
    told = {re.sub(r"[`,]|[A-Z.]{2,}", " ", cell).split()[0] for cell in rows}
    assert told == set(getattr(group, "commands", {}))


def test_every_command_of_a_group_is_in_the_manual_of_the_daemon() -> None:
    manual = MANUALS["daemon/README.md"]
    for name, command in getattr(typer.main.get_command(app), "commands", {}).items():
        told = " ".join(re.findall(rf"^\| `postroom ({name}\b.+?) \|", manual, re.M))
        for part in getattr(command, "commands", {}):
            assert re.search(rf"\b{part}\b", told), f"{name} {part}"


@pytest.mark.parametrize("manual", [*MANUALS, "CHANGELOG.md"])
def test_no_manual_promises_a_command_that_is_not_there(manual: str) -> None:
    text = (ROOT / manual).read_text()
    commands = getattr(typer.main.get_command(app), "commands", {})
    for name, part in commands_in(text):
        assert name in commands, f"postroom {name}"
        parts = getattr(commands[name], "commands", {})
        assert not (parts and part) or part in parts, f"postroom {name} {part}"


def test_the_exit_codes_are_in_the_manual_of_the_daemon() -> None:
    manual = MANUALS["daemon/README.md"]
    assert all(re.search(rf"\b{code.value} \w+", manual) for code in Exit)


def test_the_house_is_as_the_manual_draws_it() -> None:
    rows = re.findall(
        r"^\| (\d) \| (.+?) \|", MANUALS["daemon/README.md"], re.MULTILINE
    )
    drawn = {
        part: int(rank) for rank, cell in rows for part in re.findall(r"`(\w+)`", cell)
    }
    assert drawn.items() <= RANKS.items()
    assert set(RANKS) - set(drawn) <= {"__version__", "testing"}


@pytest.mark.parametrize("manual", MANUALS)
def test_links_lead_somewhere(manual: str) -> None:
    folder = (ROOT / manual).parent
    for target in _LINK.findall(MANUALS[manual]):
        assert (folder / target).exists(), target


def test_every_test_that_a_manual_names_is_there() -> None:
    """What is not shown by a test is not done, and a table may not say it is."""
    named = re.findall(r"`([a-z_/]+\.py)(?:::(test_\w+))?`", MANUALS["tests/README.md"])
    assert len(named) > 60
    missing = [
        f"{path}::{test}" for path, test in named if not _is_there(Path(path), test)
    ]
    assert missing == []


def _is_there(path: Path, test: str) -> bool:
    home = ROOT / "tests" if len(path.parts) > 1 else ROOT / "tests/transport/imap"
    if not (home / path).exists():
        home = ROOT / "tests"
    found = home / path
    return found.exists() and (not test or f"def {test}(" in found.read_text())


def test_all_that_a_message_and_its_header_offer_is_in_the_manual() -> None:
    for kind, name in ((Message, "message"), (Header, "header")):
        written = {
            code.removeprefix(f"{name}.")
            for code in column("plugins/README.md")
            if code.startswith(f"{name}.")
        }
        offered = {each for each in dir(kind) if not each.startswith("_")}
        offered |= {each.name for each in fields(kind) if each.name[0] != "_"}
        assert written == offered
