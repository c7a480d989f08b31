"""`postroom plugins` lists every condition and action with its options."""

from __future__ import annotations

from postroom.hooks.discovery import discover_plugins
from tests.commands.workplace import Workplace


def test_every_condition_and_action_is_listed(workplace: Workplace) -> None:
    done = workplace.run_line("plugins")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines() if line.strip()}
    plugins = discover_plugins()
    registered = {**plugins.conditions, **plugins.actions}
    assert {"subject", "body", "move", "forward"} <= registered.keys()
    for name, entry in registered.items():
        assert entry.plugin in lines[name], name
        assert str(entry.type.depth) in lines[name], name
        first = (entry.type.__doc__ or "").split()[:3]
        assert " ".join(first) in lines[name], name


def test_options_are_named_as_rule_files_name_them(workplace: Workplace) -> None:
    lines = workplace.run_line("plugins").out.splitlines()
    (mark,) = [line for line in lines if line.startswith("mark ")]
    assert " as " in mark
    assert "as_" not in mark
    (flag,) = [line for line in lines if line.startswith("flag ")]
    assert " true " in flag
