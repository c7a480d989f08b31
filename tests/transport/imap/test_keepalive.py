"""The kernel watches the connection, too: who vanished is missed in two minutes."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from tests.transport.imap.scripted import Peer, account_at, theatre


def sockets_to(port: int) -> Iterator[socket.socket]:
    """This process's own connections to the port, each to be closed again."""
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            found = socket.socket(fileno=os.dup(number))
        except OSError:
            continue  # no socket, or gone meanwhile
        with found:
            if found.family == socket.AF_INET and _peer_port(found) == port:
                yield found


def _peer_port(connection: socket.socket) -> int | None:
    try:
        return int(connection.getpeername()[1])
    except OSError:
        return None  # it listens


def told(connection: socket.socket) -> dict[str, int]:
    """How the kernel watches it; times in seconds, but `sent` in milliseconds."""
    level = socket.IPPROTO_TCP
    return {
        "alive": connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        "idle": connection.getsockopt(level, socket.TCP_KEEPIDLE),
        "each": connection.getsockopt(level, socket.TCP_KEEPINTVL),
        "probes": connection.getsockopt(level, socket.TCP_KEEPCNT),
        "sent": connection.getsockopt(level, socket.TCP_USER_TIMEOUT),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_peer_that_vanished_is_found_by_the_kernel() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.end()

    async def main() -> None:
        async with theatre(server) as port, account_at(port).connect():
            (ours,) = map(told, sockets_to(port))
        assert ours == {"alive": 1, "idle": 60, "each": 15, "probes": 4, "sent": 75_000}

    asyncio.run(main())
