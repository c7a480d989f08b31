"""Where a server is, and how long one waits for it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from postroom.errors import PermanentError
from postroom.transport.tls import Tls


@dataclass(frozen=True)
class Timings:
    """How long each thing may take, in seconds."""

    connect: float = 30
    login: float = 60  # servers delay the answer to a wrong password
    command: float = 60
    silence: float = 60  # between two pieces of a long answer
    bulk: float = 1800  # for the whole of a long answer
    idle_probe: float = 300  # RFC 2177 allows 29 minutes; middleboxes forget sooner
    idle_done: float = 15
    logout: float = 5


@dataclass(frozen=True)
class Server:
    """Where a server is, and how the connection to it is protected."""

    host: str
    port: int
    tls: Tls
    context: ssl.SSLContext | None

    @property
    def trusted(self) -> ssl.SSLContext:
        """The context for TLS; without one there is no connection."""
        if self.context is None:
            raise PermanentError(f"{self}: nothing says which certificates to trust")
        return self.context

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
