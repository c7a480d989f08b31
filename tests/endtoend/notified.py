"""The socket on which a service manager listens, and what it was told."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.endtoend.daemon import PATIENCE, Daemon


@dataclass
class Notified:
    """What the daemon told its service manager, datagram by datagram."""

    path: Path
    channel: socket.socket
    told: list[dict[str, str]] = field(default_factory=list)

    def hear(self, daemon: Daemon, **environment: str) -> None:
        """Have the daemon tell it, once it is started."""
        told = {"NOTIFY_SOCKET": str(self.path), **environment}
        daemon.environment = {**daemon.environment, **told}

    def next(self, patience: float = PATIENCE) -> dict[str, str]:
        """The assignments of the next datagram."""
        self.channel.settimeout(patience)
        lines = self.channel.recv(4096).decode().split("\n")
        self.told.append(dict(line.split("=", 1) for line in lines))
        return self.told[-1]

    def until(self, name: str, *parts: str) -> dict[str, str]:
        """The first datagram from now on whose assignment of this name has all of these
        parts."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                found = self.next(end - time.monotonic())
            except (TimeoutError, ValueError):
                raise AssertionError(f"no {name} with {parts}: {self.told}") from None
            if name in found and all(part in found[name] for part in parts):
                return found


@contextmanager
def listening(path: Path) -> Iterator[Notified]:
    """A service manager that listens here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        yield Notified(path, channel)
