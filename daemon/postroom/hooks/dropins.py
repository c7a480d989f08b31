"""Plugins without packaging: the Python files of a folder beside the settings.

Whoever can write there can do all that postroom can. So nothing of the folder is run
unless only root and the user that postroom runs as may change it.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import ExitStack
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from postroom.errors import PostroomError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
# Packages' own files, and the tests that stand beside a plugin.
_NO_PLUGINS = ("_", ".", "test_", "conftest.")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFile(PostroomError):
    """A file or a folder that is not run, and why."""


def list_dropins(folder: Path) -> list[tuple[str, Path]]:
    """(name, file) of each plugin of the folder, in the order of their names.

    Raises `UnsafeFile` where the folder itself can't be trusted; none if it is absent.
    """
    try:
        return _list_trusted(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnsafeFile(f"{folder} can't be read: {error.strerror}") from error


def _list_trusted(folder: Path) -> list[tuple[str, Path]]:
    real = folder.resolve(strict=True)
    for place in [*reversed(folder.absolute().parents), *reversed(real.parents)]:
        _require_ours(place, within=True)
    _require_ours(real)
    return sorted(
        (path.stem.removeprefix("postroom_"), path)
        for path in folder.iterdir()
        if path.suffix == ".py" and not path.name.startswith(_NO_PLUGINS)
    )


def require_safe(name: str, path: Path) -> None:
    """Raise `UnsafeFile` unless it is a file of the folder that only we may change."""
    if not _NAME.match(name):
        raise UnsafeFile(f"{path}: expected letters, digits, _ or - in its name")
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UnsafeFile(f"{path} leads nowhere") from error
    if real.parent != path.parent.resolve():
        raise UnsafeFile(f"{path} is a link that leads out of the folder, to {real}")
    if not real.is_file():
        raise UnsafeFile(f"{path} is no file")
    _require_ours(real)


def load_dropin(name: str, path: Path) -> ModuleType:
    """Run a file that is safe, as a module; raises whatever it raises."""
    module_name = f"postroom_dropin_{name}"
    loader = _Loader(module_name, str(path))
    module = ModuleType(module_name)
    module.__file__ = str(path)
    sys.modules[module_name] = module  # where its classes look up their annotations
    with ExitStack() as undo:
        undo.callback(sys.modules.pop, module_name)
        loader.exec_module(module)
        undo.pop_all()
    return module


class _Loader(SourceFileLoader):
    """Compiles the source each time, and neither reads nor leaves bytecode: nobody has
    looked at who may write to a `__pycache__`."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the source as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _require_ours(path: Path, *, within: bool = False) -> None:
    """Raise `UnsafeFile` if others own it, or may write to it.

    In a folder such as /tmp, `within` which our own stands, others may make files but
    can't touch ours: its sticky bit sees to that.
    """
    found = path.stat()
    if found.st_uid not in {0, os.geteuid()}:
        raise UnsafeFile(f"{path} belongs to user {found.st_uid}, who could change it")
    if found.st_mode & _OTHERS_WRITE and not (within and found.st_mode & stat.S_ISVTX):
        raise UnsafeFile(f"others may write to {path}: chmod go-w it")
