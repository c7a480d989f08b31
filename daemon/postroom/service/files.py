"""The files of plugins: each has a folder of its own, and no name leads out of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from postroom.errors import PermanentError
from postroom.service.folders import (
    MAKING,
    NEW,
    PRIVATE,
    READING,
    new_file,
    opened,
    put,
    require_regular,
    sweep,
    translated,
)

LARGEST = 16 * 1024**2

Result = TypeVar("Result")


@dataclass(frozen=True)
class PluginFiles:
    """The files of one plugin beneath `state`; its folder is made on the first write,
    for nobody but the daemon's user."""

    state: Path
    plugin: str

    async def read(self, name: str) -> bytes | None:
        """What is in a file, at most 16 MiB; None if there is none."""
        return await self._work(name, self._read)

    async def write(self, name: str, content: bytes) -> None:
        """Put this into a file, all or nothing, and on disk when it returns."""
        _require_room(len(content), name)
        await self._work(name, lambda parts: self._write(parts, content))

    async def append(self, name: str, content: bytes) -> None:
        """Add this to the end of a file, on disk when it returns."""
        await self._work(name, lambda parts: self._append(parts, content))

    async def _work(self, name: str, work: Callable[[list[str]], Result]) -> Result:
        parts = ["plugins", *split_name(self.plugin), *split_name(name)]

        def done() -> Result:
            with translated(f"the file {name}"):
                return work(parts)

        return await asyncio.to_thread(done)

    def _read(self, parts: Sequence[str]) -> bytes | None:
        try:
            with opened(self.state, parts[:-1]) as folder:
                number = os.open(parts[-1], READING, dir_fd=folder)
        except FileNotFoundError:
            return None
        with os.fdopen(number, "rb") as stream:
            require_regular(number)
            content = stream.read(LARGEST + 1)
        _require_room(len(content), parts[-1])
        return content

    def _write(self, parts: Sequence[str], content: bytes) -> None:
        with opened(self.state, parts[:-1], PRIVATE) as folder:
            sweep(folder)
            with new_file(folder, content) as new:
                os.rename(new, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def _append(self, parts: Sequence[str], content: bytes) -> None:
        with opened(self.state, parts[:-1], PRIVATE) as folder:
            flags = MAKING | os.O_APPEND | os.O_NONBLOCK
            number = os.open(parts[-1], flags, PRIVATE.file, dir_fd=folder)
            put(number, content)
            os.fsync(folder)


def split_name(name: str) -> list[str]:
    """The parts of a file's name; raises `PermanentError` if it is none."""
    parts = name.split("/")
    if not name.isprintable() or not all(map(_is_part, parts)):
        raise PermanentError(
            f"{name!r} is no name for a file: expected one such as "
            f"{str(PurePosixPath('notes', 'seen.txt'))!r}, inside the plugin's folder"
        )
    return parts


def _is_part(part: str) -> bool:
    return part not in ("", ".", "..") and not part.startswith(NEW)


def _require_room(size: int, name: str) -> None:
    if size > LARGEST:
        raise PermanentError(f"{name} is larger than {LARGEST // 1024**2} MiB")
