"""Asking the daemon at its control socket; where none runs, doing it in its place."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postroom.commands.naming import rule_names
from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import read_settings
from postroom.config.settings import Settings, find_settings
from postroom.errors import ConfigError, PermanentError, TemporaryError
from postroom.log import printable
from postroom.ports import Hold, HoldKind
from postroom.service.clock import SystemClock
from postroom.service.control import Arguments, WrongRequest, reachable
from postroom.service.desk import Desk
from postroom.service.deskwork import answering
from postroom.service.housekeeping import old_before
from postroom.service.opening import STORE_NAME
from postroom.store.database import open_store
from postroom.store.lock import Holder, find_holder
from postroom.store.retention import Before
from postroom.store.store import SqlStore

# The daemon gives up sooner, and says why.
_DEADLINE = 75.0
_TRIES = 20
_PAUSE = 0.1


@dataclass(frozen=True)
class Place:
    """The settings that stand at `path`, and where the store is by them."""

    path: Path
    settings: Settings

    @property
    def store(self) -> Path:
        """Where the store is, or will be."""
        return self.settings.postroom.state / STORE_NAME

    def require_store(self) -> None:
        """Raise `PermanentError` where no daemon has made the store yet: it would be
        whose this is, and not the daemon's."""
        if not self.store.exists():
            raise PermanentError(f"{self.store}: nothing was run yet.")


def find_place(config: Path | None) -> Place:
    """The settings that are meant; raises `ConfigError`."""
    path = find_settings(config)
    settings, problems = read_settings(path)
    if settings is None:
        raise ConfigError(problems)
    return Place(path, settings)


@contextmanager
def telling_refusals() -> Iterator[None]:
    """Say what is wrong in plain words, and exit with the code for it: 2 for what
    there is not."""
    with telling_errors():
        try:
            yield
        except WrongRequest as error:
            print(printable(str(error)), file=sys.stderr)
            raise SystemExit(Exit.USAGE) from error


def ask(place: Place, command: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What the daemon answers, or the desk without one.

    Raises `WrongRequest`, and other `PostroomError`s for what can't be done.
    """
    holder = _find_holder(place.store)
    if holder is None:
        return asyncio.run(_do(place, command, arguments))
    if holder.control is None:
        told = f"process {holder.pid} has the store, and listens to nobody"
        raise TemporaryError(f"{told}: try again")
    return call(holder.control, command, arguments)


def _find_holder(store: Path) -> Holder | None:
    """Who has the store; one that is just starting is given the time to listen."""
    for _ in range(_TRIES):
        holder = find_holder(store)
        if holder is None or holder.control:
            break
        time.sleep(_PAUSE)
    return holder


def call(control: Path, command: str, arguments: Arguments) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What the daemon at this socket answers."""
    request = json.dumps({"command": command, "arguments": arguments})
    try:
        answer = json.loads(_exchange(control, request.encode() + b"\n"))
    except (OSError, ValueError) as error:
        told = f"the daemon can't be asked at {control}: {error}"
        raise TemporaryError(told) from error
    if "error" not in answer:
        return answer["result"]
    kind = WrongRequest if answer["kind"] == "usage" else PermanentError
    raise kind(answer["error"])


def _exchange(control: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(_DEADLINE)
        with reachable(control) as address:
            channel.connect(address)
        with suppress(BrokenPipeError):  # it was refused unread, and is told why
            channel.sendall(line)
        with channel.makefile("rb") as stream:
            return stream.readline()


async def _do(place: Place, command: str, arguments: Arguments) -> object:
    if command in ("poll", "reload"):
        raise PermanentError(f"no daemon runs: there is nothing to {command}")
    place.require_store()
    clock = SystemClock()
    async with open_store(place.store, clock=clock) as store:
        controls = _NoDaemon(place, store)
        return await answering(Desk(store, controls, clock))(command, arguments)


@dataclass(frozen=True)
class _NoDaemon:
    """The controls where there is nobody to be told: the store remembers."""

    place: Place
    store: SqlStore

    @property
    def accounts(self) -> Collection[str]:
        """The accounts of the settings."""
        return self.place.settings.account

    @property
    def rules(self) -> Collection[str]:
        """The names of the rules."""
        return rule_names(self.place.path)

    def ring(self, account: str) -> None:
        """At its start a daemon looks at every account."""

    async def look(self, account: str) -> str | None:
        """Nobody looks before a daemon does."""
        return None

    async def hold(self, hold: Hold) -> None:
        """Hold it from the next start on."""
        await self.store.hold(hold)

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold; False if there was none."""
        return await self.store.release(kind, name)

    async def reload(self) -> list[str]:
        """Nothing: at its start a daemon reads all that is written."""
        return []

    @property
    def old_before(self) -> Before:
        """Since when is kept what is done with, by the settings."""
        return old_before(self.place.settings.postroom, SystemClock())

    def ring_sender(self) -> None:
        """At its start a daemon sends what is due."""

    def call(self, places: Iterable[tuple[str, str]]) -> None:
        """At its start a daemon does what can be done."""
