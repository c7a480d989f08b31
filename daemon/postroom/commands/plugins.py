"""`postroom plugins`: what is installed, with every condition and action."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Registered
from postroom.rules.condition import Options


def main() -> int:
    """Print a table of conditions and one of actions."""
    console = make_console()
    with telling_errors():
        plugins = discover_plugins()
    console.print(_table("condition", plugins.conditions))
    console.print(_table("action", plugins.actions))
    return Exit.DONE


def _table(title: str, registered: Mapping[str, Registered[Options]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (title, "needs", "options", "plugin", "what it means"):
        table.add_column(heading, overflow="fold")
    for name, entry in sorted(registered.items()):
        words = " ".join((entry.type.__doc__ or "").split())
        table.add_row(
            Text(name, "bold"),
            entry.type.depth,
            Text(", ".join(_options(entry.type)) or "true"),
            Text(entry.plugin, "dim"),
            Text(words),
        )
    return table


def _options(kind: type[Options]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]
