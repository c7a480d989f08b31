"""The program `postroom`, run as a user runs it, and what it logs."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("postroom")
PATIENCE = 60

Event = dict[str, Any]


@dataclass
class Daemon:
    """A folder with settings and rules, and the program that runs them."""

    folder: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[str] | None = None
    seen: list[Event] = field(default_factory=list)
    _events: queue.Queue[Event] = field(default_factory=queue.Queue)

    @property
    def settings(self) -> Path:
        """Where the settings stand."""
        return self.folder / "postroom.toml"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.line(*arguments),
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=100,
        )

    def run_once(self, *, status: int = 0) -> list[Event]:
        """`postroom run --once`: what it logged; it must end with this status."""
        done = self.command("run", "--once")
        assert done.returncode == status, done.stderr[-2000:]
        lines = done.stderr.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def start(self, *arguments: str) -> None:
        """Start `postroom run` in the background."""
        self.process = subprocess.Popen(
            self.line("run", *arguments),
            env={**os.environ, **self.environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def wait_for(
        self, name: str, count: int = 1, patience: float = PATIENCE
    ) -> list[Event]:
        """The events of this name, once there are that many since the start."""
        found = [event for event in self.seen if event["event"] == name]
        end = time.monotonic() + patience
        while len(found) < count:
            try:
                event = self._events.get(timeout=end - time.monotonic())
            except (queue.Empty, ValueError):
                raise AssertionError(
                    f"{len(found)} of {count} {name} after {patience} s; "
                    f"the last events: {self.seen[-5:]}"
                ) from None
            self.seen.append(event)
            found += [event] if event["event"] == name else []
        return found

    def stop(self) -> int:
        """Send SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def line(self, *arguments: str) -> list[str]:
        """The command line of a command."""
        return [str(PROGRAM), *arguments, "--config", str(self.settings)]

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._events.put(json.loads(line))


def with_options(daemon: Daemon, options: str) -> None:
    """Add these to the table of the daemon's own options."""
    text = daemon.settings.read_text()
    daemon.settings.write_text(text.replace("[postroom]\n", f"[postroom]\n{options}"))
