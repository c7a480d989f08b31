"""Plugins are found with where they come from; a spared one may fail alone."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from postroom import __version__
from postroom.errors import ConfigError
from postroom.hooks import discovery
from postroom.hooks.discovery import discover_plugins, find_plugins

GHOST = EntryPoint("ghost", "postroom_no_such_module", "postroom")
FILTER = EntryPoint("filter", "postroom_filter", "postroom")


def install(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: entries)


def test_each_plugin_has_an_origin(tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    found, problems = find_plugins(tmp_path)
    origins = {each.name: each.origin for each in found}
    assert origins["filter"] == f"postroom {__version__} (postroom_filter)"
    assert origins["mine"] == str(tmp_path / "mine.py")
    assert problems == []


def test_a_plugin_that_can_not_be_loaded_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, GHOST, FILTER)
    with pytest.raises(ConfigError, match=r"plugin ghost: .*postroom_no_such_module"):
        discover_plugins()


def test_a_spared_one_is_a_failure_and_the_others_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, GHOST, FILTER)
    plugins = discover_plugins(spared=["ghost"])
    assert plugins.names == ("filter",)
    (failure,) = plugins.failures
    assert failure.file == "plugin ghost"
    assert "postroom_no_such_module" in failure.message


def test_sparing_one_spares_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, GHOST, FILTER)
    with pytest.raises(ConfigError, match=r"plugin ghost"):
        discover_plugins(spared=["filter"])


def test_two_distributions_may_not_bring_one_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, FILTER, EntryPoint("filter", "postroom_filing", "postroom"))
    with pytest.raises(ConfigError, match=r"plugin filter: .*the name is taken by"):
        discover_plugins()


def test_a_folder_that_can_not_be_trusted_is_a_problem_whoever_is_spared(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.py").touch()
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="others may write to"):
        discover_plugins(tmp_path, spared=["mine"])
