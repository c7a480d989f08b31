"""Three accounts behind troubled networks, the daemon that serves them, its store.

One account is told of new mail by IDLE, one is polled, one is a POP3 maildrop.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.random_letters import RULES, Held, Letter, observed
from tests.endtoend.daemon import Daemon
from tests.servers.chaos import ChaosProxy, chaos_proxy
from tests.servers.dovecot import DovecotServer
from tests.servers.maildir import messages_in
from tests.servers.programs import wait_until
from tests.servers.sink import RecordingSmtp

HELD, POLLED, DROP = "held", "polled", "drop"
ACCOUNTS = (HELD, POLLED, DROP)

_SETTINGS = """
[postroom]
state = "{state}"

[account.held]
address = "{held}"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1", port = {held_port}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
existing = "process"
poll = "2s"

# The first two mailboxes have the connections that IDLE: the third is polled.
[account.polled]
address = "{polled}"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1", port = {polled_port}, tls = "none" }}
smtp = {{ account = "held" }}
watch = ["Calm", "Quiet", "INBOX"]
existing = "process"
poll = "2s"

[account.drop]
address = "{drop}"
password = "env:MAIL_PASSWORD"
pop3 = {{ host = "127.0.0.1", port = {drop_port}, tls = "none" }}
smtp = {{ account = "held" }}
poll = "2s"
"""

# What is left to the retry schedule or to the owner, by the Message-ID of its letter.
_PUT_OFF = """
select message.message_id from delivery
join outgoing on outgoing.id = delivery.outgoing_id
join effect on effect.id = outgoing.effect_id
join message on message.id = effect.message
where delivery.state in ('delayed', 'unknown')
union select message_id from message where state = 'quarantined'
"""


@dataclass(frozen=True)
class House:
    """The accounts, each with a user of Dovecot, what the daemon is put behind, and the
    server that takes its mail."""

    folder: Path
    dovecot: DovecotServer
    users: Mapping[str, str]
    proxies: Mapping[str, ChaosProxy]
    sink: RecordingSmtp

    @property
    def letterbox(self) -> Path:
        """The Maildir of the POP3 account."""
        return self.folder / "state" / "maildir" / DROP

    def owner(self, account: str) -> str:
        """The address of an account."""
        return self.dovecot.address(self.users[account])

    def settle_in(self) -> None:
        """Write settings and rules, and make what is watched."""
        self.dovecot.create(self.users[POLLED], "Calm", "Quiet")
        settings = _SETTINGS.format(
            state=self.folder / "state",
            smtp=self.proxies["relay"].port,
            **{account: self.owner(account) for account in ACCOUNTS},
            **{f"{account}_port": self.proxies[account].port for account in ACCOUNTS},
        )
        (self.folder / "rules.d").mkdir()
        (self.folder / "rules.d" / "kills.toml").write_text(RULES)
        (self.folder / "postroom.toml").write_text(settings)

    def bring(self, letter: Letter) -> None:
        """Put a letter into its account's INBOX, its octets unchanged."""
        self.dovecot.append(self.users[letter.account], letter.raw)

    def held(self, letters: Mapping[int, Letter]) -> dict[str, Held]:
        """What the accounts hold: on the server, or in the Maildir."""
        found = {
            account: observed(self.dovecot.mailboxes(self.users[account]), letters)
            for account in (HELD, POLLED)
        }
        box = self.letterbox
        stored = messages_in(box) if box.exists() else {}
        return {**found, DROP: observed(stored, letters)}

    def waiting(self, letters: Mapping[int, Letter]) -> dict[str, set[int]]:
        """The letters that lie in each INBOX of the server."""
        return {
            account: {
                number
                for mailbox, number, _ in observed(
                    self.dovecot.mailboxes(user), letters
                )
                if mailbox == "INBOX"
            }
            for account, user in self.users.items()
        }

    def put_off(self) -> set[str]:
        """The Message-IDs of the letters whose turn comes later, or by the owner."""
        return {str(row[0]) for row in self._ask(_PUT_OFF)}

    def count_unknown(self) -> int:
        """How many deliveries have an end that nobody knows."""
        query = "select count(*) from delivery where state = 'unknown'"
        return int(self._ask(query)[0][0])

    def quarantined(self) -> list[str]:
        """The messages that could not be decided, as commands name them."""
        query = "select id from message where state = 'quarantined'"
        return [str(row[0]) for row in self._ask(query)]

    def delayed(self) -> list[str]:
        """The deliveries that wait for another attempt, as commands name them."""
        query = "select id from delivery where state = 'delayed'"
        return [str(row[0]) for row in self._ask(query)]

    def _ask(self, query: str) -> Sequence[tuple[str | int, ...]]:
        path = self.folder / "state" / "postroom.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return store.execute(query).fetchall()


@dataclass
class Life:
    """The daemon from one start to its end."""

    process: subprocess.Popen[bytes]
    log: Path
    begun: float = field(default_factory=time.monotonic)

    def await_word(self) -> float:
        """How many seconds it took until it logged something."""
        wait_until(lambda: self.log.stat().st_size > 0, "the daemon's first word")
        return time.monotonic() - self.begun

    def kill(self) -> float:
        """Send SIGKILL; when."""
        at = time.monotonic()
        self.process.kill()
        self.process.wait()
        return at

    def stop(self) -> int:
        """Send SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def life(house: House, number: int) -> Iterator[Life]:
    """A life of the daemon, over at the end of the block at the latest."""
    log = house.folder / f"life-{number}.log"
    daemon = Daemon(house.folder, {})
    with log.open("wb") as output:
        process = subprocess.Popen(
            daemon.line("run", "--log-format", "json"),
            env={**os.environ, "MAIL_PASSWORD": house.dovecot.password},
            stderr=output,
        )
    try:
        yield Life(process, log)
    finally:
        process.kill()
        process.wait()


@contextmanager
def household(
    folder: Path, dovecot: DovecotServer, sink: RecordingSmtp
) -> Iterator[House]:
    """A new house, until the end of the block."""
    imap, pop3 = dovecot.ports.imap, dovecot.ports.pop3
    targets = {HELD: imap, POLLED: imap, DROP: pop3, "relay": sink.port}
    with ExitStack() as stack:
        proxies = {
            name: stack.enter_context(chaos_proxy(dovecot.host, port))
            for name, port in targets.items()
        }
        users = {account: dovecot.new_user() for account in ACCOUNTS}
        house = House(folder, dovecot, users, proxies, sink)
        house.settle_in()
        yield house
