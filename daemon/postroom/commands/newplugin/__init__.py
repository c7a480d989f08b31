"""`postroom plugins new`: a plugin to begin with, and its test.

Nothing that is there is overwritten.
"""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from postroom.commands.outcome import Exit, telling_errors
from postroom.errors import PermanentError
from postroom.hooks.discovery import discover_plugins
from postroom.log import printable, say

_NAME = re.compile(r"[a-z][a-z0-9_]{1,29}\Z")
_RESERVED = {"all", "any", "not", "testing"}
_TEMPLATES = {
    "postroom_{name}.py": "plugin.txt",
    "test_{name}.py": "test.txt",
    "pyproject.toml": "pyproject.txt",
    "README.md": "readme.txt",
}


def main(name: str, folder: Path) -> int:
    """Write a plugin of this name into a new folder inside `folder`."""
    with telling_errors():
        if complaint := _complain(name):
            say(printable(f"{name!r} can't be the name of a plugin: {complaint}"))
            return Exit.USAGE
        place = folder / name
        _write(place, name)
        print(
            f"{place} written. Its test:\n\n    cd {place} && python -m pytest\n\n"
            f"To use it, copy postroom_{name}.py into the folder plugins/ beside\n"
            "postroom.toml, and start postroom again."
        )
        return Exit.DONE


def _complain(name: str) -> str:
    """Why this can be no name; empty if it can."""
    if not _NAME.match(name):
        return (
            "expected 2 to 30 small letters, digits and underscores, a letter first, "
            "as in 'weekend'"
        )
    if keyword.iskeyword(name) or name in _RESERVED:
        return "the word has a meaning of its own"
    plugins = discover_plugins()
    if name in plugins.names:
        return "there is a plugin of that name"
    for noun, known in (
        ("condition", plugins.conditions),
        ("action", plugins.actions),
    ):
        if name in known:
            return f"plugin {known[name].plugin} brings {noun} {name!r}"
    return ""


def _write(place: Path, name: str) -> None:
    """Write every file, or raise `PermanentError`."""
    words = {"name": name, "type": "".join(map(str.capitalize, name.split("_")))}
    try:
        place.mkdir(parents=True)
        for file, template in _TEMPLATES.items():
            text = (files(__package__) / "templates" / template).read_text("utf-8")
            content = Template(text).substitute(words)
            (place / file.format(name=name)).write_text(content, "utf-8")
    except FileExistsError as error:
        reason = f"{place} is there already; nothing was written"
        raise PermanentError(reason) from error
    except OSError as error:
        raise PermanentError(f"{place} can't be written: {error.strerror}") from error
