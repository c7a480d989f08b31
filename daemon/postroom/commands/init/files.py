"""The files of a new installation: all of them are written, or none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.commands.init.answers import Draft
from postroom.commands.init.places import Places
from postroom.commands.init.texts import (
    RULES_SCHEMA,
    SETTINGS_SCHEMA,
    rule_text,
    settings_text,
)
from postroom.config.jsonschema import rules_schema, settings_schema
from postroom.errors import PermanentError
from postroom.hooks.plugins import Plugins


@dataclass(frozen=True)
class Files:
    """Files and what is to be in them, for their owner alone to read."""

    texts: Mapping[Path, str]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Which files they are."""
        return tuple(self.texts)

    def write(self) -> None:
        """Write them; raises `PermanentError` after taking back what it has begun."""
        with ExitStack() as stack, _telling():
            for path, text in self.texts.items():
                for folder in _missing(path.parent):
                    folder.mkdir(mode=0o700)
                    stack.callback(folder.rmdir)
                _write(path, text, stack)
            stack.pop_all()


def compose_files(places: Places, draft: Draft, plugins: Plugins) -> Files:
    """All that this draft comes to."""
    schemas = {
        places.folder / SETTINGS_SCHEMA: _schema(settings_schema()),
        places.folder / RULES_SCHEMA: _schema(rules_schema(plugins)),
    }
    texts = {
        places.settings: settings_text(places, draft),
        places.rule: rule_text(),
        **{path: text for path, text in schemas.items() if not path.exists()},
    }
    if draft.typed is not None:
        texts[places.password] = f"{draft.typed}\n"
    return Files(texts)


def _schema(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _missing(folder: Path) -> Iterator[Path]:
    """The folders that are to be made, from the top."""
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    return reversed(absent)


def _write(path: Path, text: str, stack: ExitStack) -> None:
    # O_EXCL: never over a file, nor through a link.
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    stack.callback(path.unlink)
    with open(number, "w", encoding="utf-8") as stream:
        stream.write(text)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        told = f"{error.filename} is there already, and nothing is overwritten"
        raise PermanentError(told) from error
    except OSError as error:
        told = f"{error.filename} can't be written: {error.strerror}"
        raise PermanentError(f"{told}; nothing was written") from error
