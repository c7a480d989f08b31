"""`postroom plugins` lists every condition and action with its options."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.commands import plugins
from postroom.hooks.discovery import discover_plugins
from tests.commands.workplace import Workplace


def tables(out: str) -> dict[str, dict[str, str]]:
    """The lines of each table by their first words, under the table's heading."""
    told: dict[str, dict[str, str]] = {}
    for line in out.splitlines():
        first = line.split(maxsplit=1)[0] if line.strip() else ""
        if first in ("plugin", "condition", "action"):
            told[first] = {}
        elif first:
            told[[*told][-1]][first] = line
    return told


def test_every_condition_and_action_is_listed(workplace: Workplace) -> None:
    done = workplace.run_line("plugins")
    assert done.code == 0
    told = tables(done.out)
    found = discover_plugins()
    assert {"subject", "body"} <= found.conditions.keys()
    assert {"move", "forward"} <= found.actions.keys()
    for kind, registered in (
        ("condition", found.conditions),
        ("action", found.actions),
    ):
        for name, entry in registered.items():
            line = told[kind][name]
            assert entry.plugin in line, name
            assert str(entry.type.depth) in line, name
            first = (entry.type.__doc__ or "").split()[:3]
            assert " ".join(first) in line, name


def test_options_are_named_as_rule_files_name_them(workplace: Workplace) -> None:
    actions = tables(workplace.run_line("plugins").out)["action"]
    assert " as " in actions["mark"]
    assert "as_" not in actions["mark"]
    assert " true " in actions["flag"]


def test_each_plugin_is_told_with_where_it_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dropin = tmp_path / "plugins" / "mine.py"
    dropin.parent.mkdir()
    dropin.touch()
    assert plugins.main(tmp_path / "postroom.toml") == 0
    told = tables(capsys.readouterr().out)["plugin"]
    assert told["mine"].split() == ["mine", str(dropin)]
    assert told["filter"].split()[1] == "postroom"
