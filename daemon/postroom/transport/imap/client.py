"""aioimaplib's client, made to connect our protocol, and to notice a vanished peer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import aioimaplib  # type: ignore[import-untyped] # it ships no types

from postroom.transport.imap.protocol import Protocol

# Probe after a minute of silence, give up after 75 seconds without an answer: a peer
# that vanished is noticed by the kernel even while nothing is awaited.
_TCP_OPTIONS = {
    "TCP_KEEPIDLE": 60,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 75_000,
}


class Client(aioimaplib.IMAP4):  # type: ignore[misc] # an untyped class
    """aioimaplib's client, speaking our protocol."""

    protocol: Protocol

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float,
        context: ssl.SSLContext | None,
        protocol: Protocol,
    ) -> None:
        self._prepared = protocol
        super().__init__(host, port, timeout=timeout, ssl_context=context)

    def create_client(
        self,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Callable[[Exception | None], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Begin to connect; `greeted` awaits the outcome."""
        loop = loop or asyncio.get_running_loop()
        self.protocol = self._prepared
        tls = {"ssl_handshake_timeout": self.timeout} if ssl_context else {}
        self._client_task = loop.create_task(
            loop.create_connection(
                lambda: self.protocol, host, port, ssl=ssl_context, **tls
            )
        )

    async def greeted(self) -> bytes:
        """The text of the greeting; raises what kept it from coming."""
        transport, _ = await self._client_task
        _keep_alive(transport)
        return await self.protocol.greeting


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    connection = transport.get_extra_info("socket")
    with suppress(OSError):  # the deadlines above do not depend on it
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _TCP_OPTIONS.items():
            if hasattr(socket, name):  # not every system has all of them
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
