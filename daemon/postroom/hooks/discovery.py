"""Finding plugins: those that are installed under the entry-point group `postroom`.

The bundled ones are found as a stranger's are. One that can't be imported is named, and
the others are looked at all the same.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from postroom.errors import ConfigError, PluginError, Problem
from postroom.hooks.hookspecs import PROJECT
from postroom.hooks.plugins import Plugins
from postroom.rules.boundary import plugin_code


def discover_plugins() -> Plugins:
    """Load every installed plugin; raises `ConfigError` with all that is wrong."""
    found: list[tuple[str, object]] = []
    problems: list[Problem] = []
    for entry in sorted(entry_points(group=PROJECT), key=lambda entry: entry.name):
        try:
            found.append((entry.name, _load(entry)))
        except PluginError as error:
            problems.append(Problem(f"plugin {entry.name}", str(error)))
    try:
        plugins = Plugins(found)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from error
    if problems:
        raise ConfigError(problems)
    return plugins


def _load(entry: EntryPoint) -> object:
    with plugin_code(entry.name, f"can't be loaded from {entry.value}"):
        try:
            return entry.load()
        except SystemExit as error:
            raise PluginError(entry.name, f"it tried to exit: {error}") from error
