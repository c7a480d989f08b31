"""A daemon at a large mailbox, and what it takes: seconds, and octets of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.endtoend.conftest import SETTINGS
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import RULES, make_mail
from tests.endtoend.test_main_job import plain
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

MIB = 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """What was measured at the end of one step; the peak is that since the start."""

    step: str
    seconds: float
    peak: int

    def __str__(self) -> str:
        return f"{self.step:36} {self.seconds:7.1f} s {self.peak / MIB:7.1f} MiB"


@dataclass
class Trial:
    """Daemons of Dovecot users, measured one after the other."""

    folder: Path
    dovecot: DovecotServer
    certificates: Certificates
    sink: RecordingSmtp
    figures: list[Figure] = field(default_factory=list)
    _begun: float = 0

    @contextmanager
    def running(self, user: str, existing: str = "leave") -> Iterator[Daemon]:
        """The user's daemon, which must end well; a later one remembers this one."""
        daemon = self._make(user, existing)
        self._begun = time.monotonic()
        daemon.start()
        try:
            yield daemon
            assert daemon.stop() == 0
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()

    def measure(self, step: str, daemon: Daemon) -> int:
        """Note what the daemon has taken so far; the octets of its peak."""
        figure = Figure(step, time.monotonic() - self._begun, _peak(daemon))
        self.figures.append(figure)
        print(figure, flush=True)
        return figure.peak

    def rest(self) -> int:
        """The peak of a daemon that has handled and forwarded a single message."""
        user = self.dovecot.new_user()
        with self.running(user) as daemon:
            daemon.wait_for("mailbox_watched")
            self.dovecot.deliver(user, make_mail(1))
            daemon.wait_for("delivery_settled")
            peak = self.measure("one message, in an empty mailbox", daemon)
        self.sink.received.clear()
        return peak

    def _make(self, user: str, existing: str) -> Daemon:
        folder = self.folder / user
        (folder / "rules.d").mkdir(parents=True, exist_ok=True)
        (folder / "rules.d" / "10-all.toml").write_text(RULES)
        daemon = Daemon(folder, {"MAIL_PASSWORD": self.dovecot.password})
        settings = SETTINGS.format(
            folder=folder,
            address=self.dovecot.address(user),
            imap=self.dovecot.ports.imaps,
            ca=self.certificates.authority,
            smtp=plain(self.sink),
            existing=existing,
        )
        daemon.settings.write_text(settings)
        return daemon


def _peak(daemon: Daemon) -> int:
    """The most memory that the process has held at a time (proc(5): VmHWM)."""
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
