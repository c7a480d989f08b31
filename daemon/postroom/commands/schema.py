"""`postroom schema`: what an editor needs to know of the settings and of rule files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import plugins_beside
from postroom.config.jsonschema import rules_schema, settings_schema
from postroom.config.settings import find_settings
from postroom.errors import ConfigError, Problem
from postroom.hooks.discovery import discover_plugins

FILES = {"settings": "postroom.schema.json", "rules": "rules.schema.json"}


def main(kind: str | None, config: Path | None, write: bool) -> int:
    """Print the schema of the `settings`, or else of the `rules`; with `write` put
    both beside the settings, where the first line of the sample files points to."""
    with telling_errors():
        settings = _find(config, required=write)
        schemas = _schemas(settings)
        if settings and write:
            for name in FILES:
                _write(settings.with_name(FILES[name]), schemas[name]())
        else:
            print(_dump(schemas[kind or "rules"]()))
    return Exit.DONE


def _find(config: Path | None, required: bool) -> Path | None:
    """The settings; None if there are none and they can be done without."""
    try:
        return find_settings(config)
    except ConfigError:
        if required:
            raise
        return None


def _schemas(settings: Path | None) -> dict[str, Callable[[], dict[str, Any]]]:
    """What makes each schema: only that of the rules needs the plugins."""
    folder = plugins_beside(settings) if settings else None
    return {
        "settings": settings_schema,
        "rules": lambda: rules_schema(discover_plugins(folder)),
    }


def _write(path: Path, schema: dict[str, Any]) -> None:
    try:
        path.write_text(f"{_dump(schema)}\n", encoding="utf-8")
    except OSError as error:
        problem = Problem(str(path), f"can't be written: {error.strerror}")
        raise ConfigError([problem]) from error
    print(f"{path} written.")


def _dump(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
