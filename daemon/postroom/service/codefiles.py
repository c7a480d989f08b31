"""The files of plugins' code, and whether they are still those that were loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class CodeFiles:
    """Remembers how the files of plugins were when they were loaded."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._marks = {name: _mark(path) for name, path in files.items()}

    def changed(self) -> list[str]:
        """The plugins whose code has changed since."""
        return [
            f"plugin {name}"
            for name, path in self._files.items()
            if _mark(path) != self._marks[name]
        ]


def _mark(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:  # it is away
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
