"""Events on their way to the journal's socket, each as an entry with fields.

Invariant: an entry that the socket does not take is a line of the stream, which the
journal reads as well.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from postroom.log.journal import encode_entry, with_priority
from postroom.log.sink import Sink

# What is larger than a datagram may be.
_TOO_LARGE = {errno.EMSGSIZE, errno.ENOBUFS}
# The journal takes nothing that could still change: fcntl(2).
_SEALS = (
    fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
)


class JournalSink(Sink):
    """Lines of JSON, written as entries to the socket of the journal."""

    def __init__(
        self, stream: TextIO, tell_dropped: Callable[[int], str], socket_path: Path
    ) -> None:
        # Before the thread begins, which uses it.
        self._path = str(socket_path)
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        super().__init__(stream, tell_dropped)

    def write_all(self, batch: Sequence[str]) -> None:
        """Send each of these; what can't be sent is written to the stream."""
        for line in batch:
            event = _read(line)
            if event is None:  # a person is told something, with its priority
                super().write_all([line])
            elif not self._send(encode_entry(event)):
                super().write_all([with_priority(line, event["level"])])

    def close(self, seconds: float) -> None:
        """Write what waits, within this time, and end the thread."""
        super().close(seconds)
        self._channel.close()

    def _send(self, entry: bytes) -> bool:
        try:
            self._channel.sendto(entry, self._path)
        except OSError as error:
            return error.errno in _TOO_LARGE and self._send_as_file(entry)
        return True

    def _send_as_file(self, entry: bytes) -> bool:
        number = os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with os.fdopen(os.dup(number), "wb") as file:
                file.write(entry)
            fcntl.fcntl(number, fcntl.F_ADD_SEALS, _SEALS)
            passed = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [number]))
            self._channel.sendmsg([], [passed], 0, self._path)
        except OSError:
            return False
        finally:
            os.close(number)
        return True


def _read(line: str) -> dict[str, Any] | None:
    """The event of a line; none if it is no event."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event
