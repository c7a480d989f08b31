"""A proxy before an IMAP server that calls somebody once the server has done a command.

The answer to that command is never passed on: whoever sent it ends without knowing.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.programs import LOOPBACK

_CHUNK = 64 * 1024


@dataclass
class Killing:
    """Calls `kill` behind the first command of these words; then passes all on."""

    words: bytes
    target: int
    kill: Callable[[], object]
    port: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((LOOPBACK, self.target))
                threading.Thread(target=self._join, args=(client, server)).start()

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        tags: list[bytes] = []
        asking = threading.Thread(target=self._ask, args=(client, server, tags))
        asking.start()
        with suppress(OSError):
            self._answer(server, client, tags)
        for each in (client, server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        asking.join()
        client.close()
        server.close()

    def _ask(
        self, client: socket.socket, server: socket.socket, tags: list[bytes]
    ) -> None:
        wanted = re.compile(rb"^(\S+) " + re.escape(self.words) + rb"\b", re.MULTILINE)
        with suppress(OSError):
            while octets := client.recv(_CHUNK):
                if not self.done.is_set() and (found := wanted.search(octets)):
                    tags.append(found[1])
                server.sendall(octets)
            server.shutdown(socket.SHUT_WR)

    def _answer(
        self, server: socket.socket, client: socket.socket, tags: list[bytes]
    ) -> None:
        heard = b""
        while octets := server.recv(_CHUNK):
            heard += octets
            if tags and re.search(rb"^%s " % re.escape(tags[0]), heard, re.MULTILINE):
                self.done.set()
                self.kill()
                return
            if not tags:
                client.sendall(octets)


@contextmanager
def killing_behind(
    words: bytes, target: int, kill: Callable[[], object]
) -> Iterator[Killing]:
    """A proxy that kills behind the first command of these words."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        proxy = Killing(words, target, kill, listener.getsockname()[1])
        thread = threading.Thread(target=proxy.serve, args=(listener,))
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
