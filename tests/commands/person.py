"""A person at a terminal, who reads what a program asks and types an answer."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PATIENCE = 60
_TRIES = 6


@dataclass
class Person:
    """Sits at a terminal; `seen` is all that was shown there."""

    terminal: int
    process: subprocess.Popen[bytes]
    seen: str = ""
    _read_to: int = field(default=0, repr=False)

    def answer(self, question: str, *said: str) -> None:
        """Wait for a question, and type these words and Enter."""
        self.read(question)
        os.write(self.terminal, f"{' '.join(said)}\n".encode())

    def read(self, words: str) -> None:
        """Wait until this is shown, after what was waited for before."""
        end = time.monotonic() + PATIENCE
        while (found := self.seen.find(words, self._read_to)) < 0:
            shown = self._more(end - time.monotonic())
            assert shown, f"{words!r} is not shown: {self.seen}"
        self._read_to = found + len(words)

    def leave(self) -> int:
        """Wait for the end of the program; its exit code."""
        while self._more(PATIENCE):
            pass
        return self.process.wait(PATIENCE)

    def interrupt(self, question: str) -> None:
        """Wait for a question, and type Ctrl-C, again if nothing comes of it.

        Python looks for a signal, and then reads: what comes in between is noticed only
        at the next key.
        """
        self.read(question)
        for _ in range(_TRIES):
            os.write(self.terminal, b"\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE / _TRIES)
                return

    def _more(self, seconds: float) -> bool:
        """Read what is shown; False if nothing is, or if the program has ended."""
        if not select.select([self.terminal], [], [], max(0, seconds))[0]:
            return False
        try:
            octets = os.read(self.terminal, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += octets.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(octets)


@contextmanager
def person_at(
    command: list[str], environment: Mapping[str, str], columns: int = 80
) -> Iterator[Person]:
    """A person before a program that has a terminal of its own."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(ours, (40, columns))
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=dict(environment),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        yield Person(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
