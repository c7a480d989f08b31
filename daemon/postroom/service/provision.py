"""What plugins are given of the outside: each its own files, memory and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from postroom.config.ownplaces import NOTHING, OwnPlaces
from postroom.errors import PermanentError
from postroom.ports import Clock, Memories
from postroom.rules.services import (
    Ended,
    Files,
    Http,
    Memory,
    Places,
    Response,
    Run,
    Services,
)
from postroom.service.files import PluginFiles
from postroom.service.places import LocalPlaces, Usage
from postroom.service.programs import Programs

_LONGEST_KEY = 500
_LONGEST_TEXT = 64 * 1024
_DRY = "in a dry run nothing is sent and no program is started"


@dataclass(frozen=True)
class Provided:
    """What one plugin has for one call."""

    options: Mapping[str, Any]
    http: Http
    run: Run
    files: Files
    places: Places
    remember: Memory
    key: str
    content: bytes | None = field(repr=False)
    clock: Clock

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return self.clock.now()


@dataclass(frozen=True)
class PluginMemory:
    """What one plugin remembers; others have keys of their own."""

    memories: Memories
    clock: Clock
    plugin: str

    async def get(self, key: str) -> str | None:
        """What was put under this key, if its life has not ended."""
        return await self.memories.recall(self.plugin, key)

    async def put(self, key: str, value: str, life: timedelta) -> None:
        """Remember this for so long; a key has 1 to 500 characters, a text 64 K."""
        if not 0 < len(key) <= _LONGEST_KEY or len(value) > _LONGEST_TEXT:
            raise PermanentError(
                f"it can't be remembered: a key has 1 to {_LONGEST_KEY} characters, "
                f"a text up to {_LONGEST_TEXT}"
            )
        until = self.clock.now() + life
        await self.memories.remember(self.plugin, key, value, until)


@dataclass(frozen=True)
class Provision:
    """Makes the services of plugins; `tables` are the settings' `[plugin.NAME]`,
    `umask` is theirs for what is saved, and nothing is saved in `own` places.

    In a dry run what would write does nothing; programs and what would be posted,
    which have an answer, are refused.
    """

    tables: Mapping[str, Mapping[str, Any]]
    state: Path
    memories: Memories
    clock: Clock
    http: Http
    run: Run = field(default_factory=Programs)
    dry: bool = False
    umask: int = 0o077
    usage: Usage = field(default_factory=Usage)
    own: OwnPlaces = NOTHING

    def services(
        self, plugin: str, key: str = "", content: bytes | None = None
    ) -> Services:
        """The services of a plugin, for gathering or to perform what `key` names."""
        files: Files = PluginFiles(self.state, plugin)
        memory: Memory = PluginMemory(self.memories, self.clock, plugin)
        places: Places = LocalPlaces(self.umask, key, self.usage, self.own)
        http, run = self.http, self.run
        if self.dry:
            files, memory = _UnwrittenFiles(files), _UnwrittenMemory(memory)
            places, http, run = _UnwrittenPlaces(), _Asking(http), _Unstarted()
        options = self.tables.get(plugin, {})
        given = (files, places, memory, key, content)
        return Provided(options, http, run, *given, self.clock)


@dataclass(frozen=True)
class _UnwrittenFiles:
    files: Files

    async def read(self, name: str) -> bytes | None:
        return await self.files.read(name)

    async def write(self, name: str, content: bytes) -> None:
        pass

    async def append(self, name: str, content: bytes) -> None:
        pass


@dataclass(frozen=True)
class _UnwrittenPlaces:
    async def write(
        self,
        folder: str,
        levels: Sequence[str],
        name: str,
        content: bytes,
        quota: int | None = None,
    ) -> str:
        return "/".join([folder, *levels, name])

    async def deliver(
        self,
        maildir: str,
        folder: str,
        content: bytes,
        received: datetime,
        quota: int | None = None,
    ) -> None:
        pass


@dataclass(frozen=True)
class _UnwrittenMemory:
    memory: Memory

    async def get(self, key: str) -> str | None:
        return await self.memory.get(key)

    async def put(self, key: str, value: str, life: timedelta) -> None:
        pass


@dataclass(frozen=True)
class _Asking:
    http: Http

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        return await self.http.get(url, headers)

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        raise PermanentError(_DRY)


@dataclass(frozen=True)
class _Unstarted:
    async def __call__(self, *_arguments: object, **_options: object) -> Ended:
        raise PermanentError(_DRY)
