"""The accounts of the soak: users of Dovecot behind proxies, and their daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.chaos import ChaosProxy
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import ServerFailed
from tests.servers.sink import RecordingSmtp
from tests.soak.letters import RING, Held, Letter, observed, rules

ROOT = Path(__file__).parents[2]
_PAGE = os.sysconf("SC_PAGE_SIZE")
PROGRAM = "tests.soak.hurried"

_SETTINGS = """
[postroom]
state = "{state}"
"""

_ACCOUNT = """
[account.soak{place}]
address = "{address}"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
watch = {watch}
existing = "process"
poll = "{poll}s"
"""


@dataclass(frozen=True)
class Household:
    """Users whose mailboxes are watched, each through a proxy of its own."""

    dovecot: DovecotServer
    users: Sequence[str]
    proxies: Sequence[ChaosProxy]

    def create_mailboxes(self) -> None:
        """Make what is watched."""
        for user in self.users:
            self.dovecot.create(user, *RING[1:])

    def deliver(self, letter: Letter) -> None:
        """Bring a letter: by LMTP to an INBOX, by APPEND elsewhere."""
        user = self.users[letter.account]
        if letter.mailbox == "INBOX":
            self.dovecot.deliver(user, letter.raw)
        else:
            self.dovecot.append(user, letter.raw, letter.mailbox)

    def held(self) -> dict[int, Held]:
        """All that the accounts hold."""
        return {
            place: observed(self.dovecot.mailboxes(user))
            for place, user in enumerate(self.users)
        }

    def settle_in(self, folder: Path, sink: RecordingSmtp, poll: int) -> Path:
        """Write settings and rules; where the settings are."""
        tables = (
            _ACCOUNT.format(
                place=place,
                address=self.dovecot.address(user),
                imap=self.proxies[place].port,
                smtp=sink.port,
                watch=json.dumps(RING),
                poll=poll,
            )
            for place, user in enumerate(self.users)
        )
        (folder / "rules.d").mkdir()
        (folder / "rules.d" / "soak.toml").write_text(rules())
        settings = folder / "postroom.toml"
        settings.write_text(_SETTINGS.format(state=folder / "state") + "".join(tables))
        return settings


@dataclass(frozen=True)
class Usage:
    """What the daemon has in use: MiB of memory, and file descriptors."""

    memory: float
    descriptors: int


@dataclass(frozen=True)
class Runner:
    """The daemon that runs, and where it logs."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[dict[str, Any]]:
        """All it has logged in whole lines."""
        lines = self.log.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def count(self) -> Counter[str]:
        """How often it logged what."""
        return Counter(event["event"] for event in self.events())

    def usage(self) -> Usage:
        """What it has in use now."""
        if self.process.poll() is not None:
            end = self.log.read_text()[-2000:]
            raise ServerFailed(f"the daemon ended by itself; its last words:\n{end}")
        place = Path(f"/proc/{self.process.pid}")
        pages = int((place / "statm").read_text().split()[1])
        descriptors = len(list((place / "fd").iterdir()))
        return Usage(pages * _PAGE / 2**20, descriptors)

    def stop(self) -> int:
        """Send SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def running_daemon(
    settings: Path, hurry: float, dovecot: DovecotServer, run: str
) -> Iterator[Runner]:
    """The daemon in a hurry, killed at the end of the block if it still runs."""
    log = settings.with_name(f"{run}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(settings), str(hurry)],
            cwd=ROOT,
            env={**os.environ, "MAIL_PASSWORD": dovecot.password},
            stderr=output,
        )
    try:
        yield Runner(process, log)
    finally:
        process.kill()
        process.wait()
