"""Where lines of the log go: through a bounded queue, written by one thread.

Whoever logs never waits, whatever becomes of the reader. When the queue is full the
newest lines are dropped, for the first ones tell how a trouble began; how many they
were is told where they are missing.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TextIO

_MOST_CHARACTERS = 4 * 1024 * 1024
_BATCH = 100  # lines


class Sink:
    """The lines that wait to be written to a stream, and the thread that writes them.

    `tell_dropped` makes the line that tells how many were dropped.
    """

    def __init__(
        self,
        stream: TextIO,
        tell_dropped: Callable[[int], str],
        most: int = _MOST_CHARACTERS,
    ) -> None:
        self.stream = stream
        self._tell_dropped = tell_dropped
        self._most = most
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._dropped = 0
        self._is_full = False
        self._is_stalled = False
        # It may be entered again by its own thread: a collected object may log.
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: str) -> None:
        """Have a line written, or drop it; never waits, never raises."""
        text = f"{line}\n"
        with self._changed:
            # Until all before it is written, so that the gap is in one place.
            self._is_full = self._is_full or self._characters + len(text) > self._most
            if self._is_full:
                self._dropped += 1
                return
            self._waiting.append(text)
            self._characters += len(text)
            self._changed.notify_all()

    # By these names structlog calls it.
    debug = info = warning = error = critical = msg

    def flush(self, seconds: float) -> bool:
        """Wait until everything is written, but no longer than this, and not once more
        for a reader that has taken nothing since; True if all is written."""
        with self._changed:
            patience = 0 if self._is_stalled else seconds
            done = self._changed.wait_for(lambda: not self._characters, patience)
            self._is_stalled = not done
            return done

    def close(self, seconds: float) -> None:
        """Write what waits, within this time, and end the thread."""
        self.flush(seconds)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while batch := self._next():
            is_written = self._write(batch)
            with self._changed:
                self._characters -= sum(map(len, batch))
                self._is_stalled = False
                if not is_written:
                    self._dropped += len(batch)
                if not self._waiting:
                    self._go_on(is_written)
                self._changed.notify_all()

    def _next(self) -> list[str]:
        """What is written next, once there is something; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            # Several lines at once: after each write the thread queues up for the
            # interpreter, behind whoever is computing.
            count = 0 if self._closed else min(len(self._waiting), _BATCH)
            return [self._waiting.popleft() for _ in range(count)]

    def _go_on(self, is_written: bool) -> None:
        """Take lines again, and tell of those that are missing."""
        self._is_full = False
        if is_written and self._dropped:
            count, self._dropped = self._dropped, 0
            self.msg(self._tell_dropped(count))

    def _write(self, batch: Sequence[str]) -> bool:
        try:
            self.write_all(batch)
        except (OSError, ValueError):  # a full disk, or a stream that is gone
            return False
        return True

    def write_all(self, batch: Sequence[str]) -> None:
        """Write these lines, in the thread of the sink; raises `OSError`, and
        `ValueError` for a stream that is closed."""
        text, encoding = "".join(batch), self.stream.encoding or "utf-8"
        octets = text.encode(encoding, "backslashreplace")
        number = _descriptor(self.stream)
        if number is None:
            self.stream.write(text)
            return
        # Past the stream's own buffer: a thread that waits in there would hold its
        # lock, and the end of the program would wait for that.
        while octets:
            octets = octets[os.write(number, octets) :]


def _descriptor(stream: TextIO) -> int | None:
    """The number of the stream's file; None if it is in memory only."""
    try:
        return stream.fileno()
    except OSError:
        return None
