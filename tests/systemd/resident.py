"""postroom on a machine: its settings, its mail, and what systemd says of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.servers.dovecot import DovecotServer
from tests.servers.programs import wait_until
from tests.servers.sink import RecordingSmtp
from tests.systemd.machine import Machine

SETTINGS = """
[postroom]
state = "/var/lib/postroom"

[account.home]
address = "{address}"
password = "credential:home"
imap = {{ host = "127.0.0.1", port = {imap}, ca = "/etc/postroom/ca.pem" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
existing = "process"
"""

RULES = """
[[rule]]
name = "Bills are filed"
when.subject = "bill"
then = [ { move = "Bills" } ]

[[rule]]
name = "Plans go to Ann"
when.subject = "plan"
then = [ { redirect = "ann@example.com" } ]
"""

CREDENTIAL = """
[Service]
LoadCredential=home:/etc/postroom/secrets/home
"""

LETTER = """\
From: Bob <bob@example.org>
To: {address}
Subject: {subject}
Message-ID: <{number}.{subject}@example.org>
Date: Mon, 23 Nov 2026 10:00:00 +0000

Yours, Bob
"""


@dataclass(frozen=True)
class Resident:
    """A postroom that runs as a unit, and looks after one user of Dovecot."""

    machine: Machine
    dovecot: DovecotServer
    user: str
    sink: RecordingSmtp
    unit: str = "postroom.service"

    def settle_in(self) -> None:
        """Write settings, rules and password as an owner does."""
        ports = self.dovecot.ports
        settings = SETTINGS.format(
            address=self.dovecot.address(self.user),
            imap=ports.imaps,
            smtp=self.sink.port,
        )
        self.machine.write("/etc/postroom/postroom.toml", settings)
        self.write_rules(RULES)
        self.machine.write(
            "/etc/postroom/secrets/home", f"{self.dovecot.password}\n", 0o600
        )
        self.drop_in("secrets", CREDENTIAL)

    def move_out(self) -> None:
        """Take away all that the unit was and had; print what it said."""
        print(self.machine.run("journalctl", "--no-pager", "-o", "cat"))
        self.machine.systemctl("stop", self.unit, status=None)
        self.machine.systemctl("reset-failed", self.unit, status=None)
        # Each test reads its own entries, and none of an earlier one.
        self.machine.run("journalctl", "--rotate", "--quiet")
        self.machine.run("journalctl", "--vacuum-time=1us", "--quiet")
        folders = ("/var/lib/postroom", "/var/lib/private/postroom")
        drop_ins = f"/etc/systemd/system/{self.unit}.d"
        plugins = "/etc/postroom/plugins"
        self.machine.run("rm", "-rf", *folders, drop_ins, plugins)

    def write_rules(self, text: str) -> None:
        """Write the one file of rules."""
        self.machine.write("/etc/postroom/rules.d/10-all.toml", text)

    def write_plugin(self, text: str) -> None:
        """Write the one plugin."""
        self.machine.write("/etc/postroom/plugins/sample.py", text)

    def drop_in(self, name: str, text: str) -> None:
        """Change the unit, as `systemctl edit` does."""
        path = f"/etc/systemd/system/{self.unit}.d/{name}.conf"
        self.machine.write(path, text)
        self.machine.systemctl("daemon-reload")

    def start(self) -> None:
        """Start the unit; it must succeed."""
        self.machine.systemctl("start", self.unit)

    def shown(self, key: str) -> str:
        """A property of the unit."""
        return self.machine.show(self.unit)[key]

    def deliver(self, subject: str, *numbers: int) -> None:
        """Have messages with this subject arrive."""
        address = self.dovecot.address(self.user)
        for number in numbers:
            letter = LETTER.format(address=address, subject=subject, number=number)
            self.dovecot.deliver(self.user, letter.replace("\n", "\r\n").encode())

    def wait_until_filed(self, mailbox: str, count: int, seconds: float = 60) -> None:
        """Return when a mailbox holds so many messages, each of them once."""
        told = f"{count} messages in {mailbox}"
        wait_until(lambda: len(self._filed(mailbox)) >= count, told, seconds)
        filed = Counter(self._filed(mailbox))
        assert filed.total() == count
        assert max(filed.values()) == 1

    def _filed(self, mailbox: str) -> list[bytes]:
        return [one.raw for one in self.dovecot.mailboxes(self.user).get(mailbox, ())]
