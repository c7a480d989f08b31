"""Finding plugins: those that are installed under the entry-point group `postroom`, and
the files of a folder.

The bundled ones are found as a stranger's are. One that can't be imported is named, and
the others are looked at all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from postroom.errors import ConfigError, PluginError, Problem
from postroom.hooks.dropins import UnsafeFile, list_dropins, load_dropin, require_safe
from postroom.hooks.hookspecs import PROJECT
from postroom.hooks.plugins import Plugins
from postroom.rules.boundary import plugin_code


@dataclass(frozen=True)
class Found:
    """A plugin that was found, and where: its distribution, or its file."""

    name: str
    origin: str
    module: object


@dataclass
class _Search:
    """Plugins found so far; each that can't be used makes a problem."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def complain(self, name: str, message: str) -> None:
        """Note what is wrong with a plugin."""
        self.problems.append(Problem(f"plugin {name}", message))

    def add(self, name: str, origin: str, load: Callable[[], object]) -> None:
        """Load a plugin, unless another one has its name."""
        first = self.origins.setdefault(name, origin)
        if first != origin:
            self.complain(name, f"{origin}: the name is taken by {first}")
            return
        try:
            self.found.append(Found(name, origin, _load(name, origin, load)))
        except PluginError as error:
            self.complain(name, str(error))

    def add_folder(self, folder: Path) -> None:
        """Load every file of a folder; none of them where it can't be trusted."""
        try:
            dropins = list_dropins(folder)
        except UnsafeFile as error:
            self.problems.append(Problem(str(folder), str(error)))
            return
        for name, path in dropins:
            try:
                require_safe(name, path)
            except UnsafeFile as error:
                self.complain(name, str(error))
            else:
                self.add(name, str(path), partial(load_dropin, name, path))


def discover_plugins(
    folder: Path | None = None, spared: Collection[str] = ()
) -> Plugins:
    """Load every installed plugin, and those of the folder; raises `ConfigError` with
    all that is wrong. What is wrong with one of the `spared` is kept as a failure."""
    return register_found(*find_plugins(folder), spared)


def find_plugins(folder: Path | None = None) -> tuple[list[Found], list[Problem]]:
    """Every plugin that is installed, then those of the folder, each by name; and what
    is wrong with others."""
    search = _Search()
    for entry in sorted(entry_points(group=PROJECT), key=lambda entry: entry.name):
        search.add(entry.name, _tell_origin(entry), entry.load)
    if folder is not None:
        search.add_folder(folder)
    return search.found, search.problems


def register_found(
    found: Iterable[Found], problems: Collection[Problem], spared: Collection[str] = ()
) -> Plugins:
    """Have these plugins register what they bring; raises `ConfigError` as
    `discover_plugins` does."""
    excused = {f"plugin {name}" for name in spared}
    failures = [problem for problem in problems if problem.file in excused]
    told = [problem for problem in problems if problem.file not in excused]
    try:
        plugins = Plugins(((each.name, each.module) for each in found), spared=spared)
    except ConfigError as error:
        raise ConfigError([*told, *error.problems]) from error
    if told:
        raise ConfigError(told)
    plugins.failures = (*failures, *plugins.failures)
    return plugins


def _tell_origin(entry: EntryPoint) -> str:
    """The distribution that brings it, and the object in it."""
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"{distribution} ({entry.value})".strip()


def _load(name: str, origin: str, load: Callable[[], object]) -> object:
    with plugin_code(name, f"can't be loaded from {origin}"):
        try:
            return load()
        except SystemExit as error:
            raise PluginError(name, f"it tried to exit: {error}") from error
