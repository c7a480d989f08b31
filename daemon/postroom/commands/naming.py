"""The names in the settings and rule files, for whoever completes or looks them up.

Invariant: files that are wrong bring fewer names, never an error.
"""

from __future__ import annotations

from pathlib import Path

from postroom.config.problems import read_toml
from postroom.config.settings import find_settings
from postroom.errors import ConfigError


def account_names() -> list[str]:
    """The accounts of the settings that are found without being told where."""
    accounts = read_toml(_settings())[0].get("account", {})
    return sorted(accounts) if isinstance(accounts, dict) else []


def rule_names(settings: Path | None = None) -> list[str]:
    """The rules of the files beside the settings, in their order."""
    names: list[str] = []
    for file in sorted((settings or _settings()).parent.glob("rules.d/*.toml")):
        rules = read_toml(file)[0].get("rule", [])
        tables = rules if isinstance(rules, list) else []
        named = (each.get("name") for each in tables if isinstance(each, dict))
        names += [name for name in named if isinstance(name, str)]
    return names


def _settings() -> Path:
    try:
        return find_settings(None)
    except ConfigError:
        return Path("postroom.toml")
