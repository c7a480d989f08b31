"""`postroom plugins`: what is installed, with every condition and action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.config.configuration import plugins_beside
from postroom.config.settings import find_settings
from postroom.errors import ConfigError
from postroom.hooks.discovery import Found, find_plugins, register_found
from postroom.hooks.plugins import Registered
from postroom.rules.condition import Options


def main(config: Path | None = None) -> int:
    """Print tables of the plugins, of conditions and of actions.

    Without settings there is no folder of plugins, and the installed ones are shown.
    """
    console = make_console()
    with telling_errors():
        found, problems = find_plugins(_folder(config))
        plugins = register_found(found, problems)
        console.print(_plugin_table(found))
        console.print(_table("condition", plugins.conditions))
        console.print(_table("action", plugins.actions))
    return Exit.DONE


def _folder(config: Path | None) -> Path | None:
    try:
        return plugins_beside(find_settings(config))
    except ConfigError:
        return None


def _plugin_table(found: Iterable[Found]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("plugin", "comes from"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(Text(each.name, "bold"), Text(each.origin))
    return table


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
