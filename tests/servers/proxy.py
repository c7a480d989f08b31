"""A TCP proxy on loopback that hears what passes, and can cut or hold the wire."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.programs import LOOPBACK

_LITERAL = re.compile(rb"\{(\d+)\+?\}$")


@dataclass
class Conversation:
    """One connection: all octets of both directions, as far as they were passed on."""

    client: bytearray = field(default_factory=bytearray)
    server: bytearray = field(default_factory=bytearray)

    def commands(self) -> list[str]:
        """What an IMAP client sent, command by command, without tags and literals."""
        return [command for _, command in self.ended_commands()]

    def ended_commands(self) -> Iterator[tuple[int, str]]:
        """Each command, with how many octets the client had sent at its end."""
        rest = sent = bytes(self.client)
        while b"\r\n" in rest:
            command, rest = _first_command(rest)
            text = command.decode("latin-1").split(" ", 1)[-1]
            yield len(sent) - len(rest), text


def _first_command(octets: bytes) -> tuple[bytes, bytes]:
    """The first command of `octets`, and what comes after it."""
    line, _, rest = octets.partition(b"\r\n")
    literal = _LITERAL.search(line)
    if literal is None:
        return line, rest
    more, rest = _first_command(rest[int(literal[1]) :])
    return line + more, rest


class CountingProxy:
    """A running proxy; `conversations` are in the order in which clients connected."""

    def __init__(self, host: str, port: int) -> None:
        self.conversations: list[Conversation] = []
        self.host = LOOPBACK
        self._target = (host, port)
        self._limit: int | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def commands(self, start: str = "") -> list[str]:
        """All commands so far that begin with `start` (`UID FETCH`), in any case."""
        spoken = [line for each in self.conversations for line in each.commands()]
        return [line for line in spoken if line.upper().startswith(start.upper())]

    def server_octets(self) -> int:
        """How many octets the server has sent to clients."""
        return sum(len(each.server) for each in self.conversations)

    def cut(self) -> None:
        """End every connection now; new ones are welcome."""
        for each in self._sockets:
            _shut(each)

    def cut_after(self, octets: int | None) -> None:
        """End each connection when the server has sent so much; None: never."""
        self._limit = octets

    def stall(self) -> None:
        """Hold all octets, both ways, and let the connections stand."""
        self._flowing.clear()

    def resume(self) -> None:
        """Let flow what was held."""
        self._flowing.set()

    def stop(self) -> None:
        """End the proxy and all of its connections."""
        _shut(self._listener)
        self.resume()
        self._threads[0].join()
        self.cut()
        for thread in self._threads:
            thread.join()
        for each in [self._listener, *self._sockets]:
            each.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="proxy")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut: the proxy ends
            while True:
                self._connect(self._listener.accept()[0])

    def _connect(self, client: socket.socket) -> None:
        self._sockets.append(client)
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            _shut(client)
            return
        server.settimeout(None)
        self._sockets.append(server)
        heard = Conversation()
        self.conversations.append(heard)
        self._start(self._pump, client, server, heard.client, lambda: None)
        self._start(self._pump, server, client, heard.server, lambda: self._limit)

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        heard: bytearray,
        limit: Callable[[], int | None],
    ) -> None:
        with suppress(OSError):  # one side was cut: so is the other
            while octets := source.recv(65536):
                self._flowing.wait()
                end = limit()
                passed = octets if end is None else octets[: max(0, end - len(heard))]
                heard += passed
                sink.sendall(passed)
                if len(passed) < len(octets):
                    break
        _shut(source)
        _shut(sink)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):  # it is shut already
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def counting_proxy(host: str, port: int) -> Iterator[CountingProxy]:
    """A proxy in front of a server until the end of the block."""
    proxy = CountingProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.stop()
