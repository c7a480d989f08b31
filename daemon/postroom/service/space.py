"""How much room there is on the file systems that mail is kept on.

Mail that is not fetched is safe on its server. What is left free is for what must go on
while nothing is fetched: sending, and recording what was done.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.config.settings import Settings

_UNITS = {"G": 1024**3, "M": 1024**2, "K": 1024}


def free_octets(folder: Path) -> int:
    """How much an ordinary user may still write to the file system of a folder, or of
    the one in which it would be made."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    status = os.statvfs(there)
    return status.f_bavail * status.f_frsize


@dataclass(frozen=True)
class Space:
    """The room there is for mail, under the settings of now."""

    settings: Callable[[], Settings]
    free: Callable[[Path], int] = free_octets

    async def shortage(self, account: str) -> str:
        """Where too little is free to fetch mail of this account; empty if nowhere."""
        # A file system that is mounted from afar may take its time.
        return await asyncio.to_thread(self._shortage, account)

    def _shortage(self, account: str) -> str:
        settings = self.settings()
        least = settings.postroom.free_space
        for folder in _folders(settings, account):
            try:
                free = self.free(folder)
            except OSError:
                continue  # whoever writes there tells what is wrong
            if free < least:
                return (
                    f"less than {_show(least)} is free where {folder} is: no mail is "
                    "fetched until there is more (free_space)"
                )
        return ""


def _folders(settings: Settings, account: str) -> Iterator[Path]:
    yield settings.postroom.state
    if account in settings.account and (maildir := settings.maildir_of(account)):
        yield maildir


def _show(octets: int) -> str:
    """As the settings write it, in the largest unit that is exact."""
    exact = (u for u, size in _UNITS.items() if octets and octets % size == 0)
    unit = next(exact, "")
    return f"{octets // _UNITS[unit]}{unit}" if unit else f"{octets} octets"
