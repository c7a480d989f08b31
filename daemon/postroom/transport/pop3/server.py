"""Where a POP3 server is, and how long one waits for it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from postroom.transport.tls import Tls, Trust


@dataclass(frozen=True)
class Timings:
    """How long each thing may take, in seconds."""

    connect: float = 30
    login: float = 60  # servers delay the answer to a wrong password
    command: float = 60
    silence: float = 60  # between two pieces of a long answer
    bulk: float = 1800  # for the whole of a long answer
    quit: float = 60  # only now the server removes what it was told to
    close: float = 5


@dataclass(frozen=True)
class Server:
    """Where a server is, and how the connection to it is protected."""

    host: str
    port: int
    tls: Tls
    trust: Trust

    @property
    def trusted(self) -> ssl.SSLContext:
        """The context for TLS, asked for at each connection."""
        return self.trust.context()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
