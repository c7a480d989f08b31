"""Putting files in their places, and taking them away again; each thing is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.commands.install.layout import Layout
from postroom.commands.install.wares import File, Folder, Link
from postroom.errors import PermanentError
from postroom.log import printable


@dataclass(frozen=True)
class Hands:
    """Does what is asked for, or with `dry` only says it."""

    layout: Layout
    dry: bool = False

    def make(self, folder: Folder) -> None:
        """Make a folder; one that is there stays as it is."""
        path = self.layout.real(folder.path)
        if path.is_dir():
            return self._say("as it was", folder.path)
        self._say("made", folder.path)
        if not self.dry:
            with telling(folder.path):
                path.mkdir(parents=True)
                path.chmod(folder.mode)

    def put(self, ware: File | Link) -> None:
        """Write a file or make a link, at once or not at all."""
        path = self.layout.real(ware.path)
        there = _read(path)
        wanted = ware.text if isinstance(ware, File) else str(ware.target)
        if there == wanted:
            return self._say("as it was", ware.path)
        self._say("written" if there is None else "replaced", ware.path)
        if not self.dry:
            with telling(ware.path):
                _place(path, ware)

    def take(self, path: Path, until: Path) -> None:
        """Remove a file, and the folders up to `until` that are empty then."""
        real = self.layout.real(path)
        if not os.path.lexists(real):
            return
        self._say("removed", path)
        if self.dry:
            return
        with telling(path):
            real.unlink()
            for folder in real.parents:
                if folder == self.layout.real(until) or any(folder.iterdir()):
                    break
                folder.rmdir()

    def leave(self, path: Path) -> None:
        """Say of a folder that it stays."""
        if self.layout.real(path).exists():
            print(printable(f"left        {path}"))

    def _say(self, done: str, path: Path) -> None:
        words = {"made": "make", "written": "write", "replaced": "replace"}
        words["removed"] = "remove"
        told = f"would {words[done]}" if self.dry and done in words else done
        print(printable(f"{told:<{14 if self.dry else 11}} {path}"))


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Raise `PermanentError` for an `OSError` inside the block."""
    try:
        yield
    except OSError as error:
        told = f"{path}: {error.strerror}: are you root, or is it for --user?"
        raise PermanentError(told) from error


def _read(path: Path) -> str | None:
    """What is there; nothing if nothing is."""
    if path.is_symlink():
        return str(path.readlink())
    return path.read_text(errors="replace") if path.is_file() else None


def _place(path: Path, ware: File | Link) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    if isinstance(ware, File):
        draft.write_text(ware.text)
        draft.chmod(0o644)
    else:
        draft.symlink_to(ware.target)
    draft.replace(path)
