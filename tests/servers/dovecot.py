"""A private Dovecot on loopback: IMAP, POP3 and LMTP, with and without TLS.

It is a stranger's server to postroom: what the tests know of a mailbox they read
through IMAP, as any mail client does.
"""

from __future__ import annotations

import imaplib
import itertools
import os
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path

from tests.servers import reading
from tests.servers.certificates import Certificates
from tests.servers.dovecot_config import DOMAIN, Ports, configuration
from tests.servers.programs import LOOPBACK, free_ports, running, shared_folder
from tests.servers.reading import Stored

PASSWORD = "secret"

# Each user has a numeric owner of its own: the kernel allows one owner 128 inotify
# instances, and every IDLE takes one.
_OWNERS = {f"user{number}": 22000 + number for number in range(300)}


@dataclass(frozen=True)
class DovecotServer:
    """A running Dovecot; all of its users have the same password."""

    home: Path
    ports: Ports
    host: str = LOOPBACK
    password: str = PASSWORD
    _unused: Iterator[str] = field(default_factory=lambda: iter(_OWNERS), repr=False)
    _serial: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def new_user(self) -> str:
        """A user nobody has used yet: the mailboxes are empty."""
        return next(self._unused)

    def address(self, user: str) -> str:
        """The mail address of a user; it serves as the login name, too."""
        return f"{user}@{DOMAIN}"

    def deliver(self, user: str, raw: bytes) -> None:
        """Deliver to a user's INBOX by LMTP, as an MTA does; whoever idles is told."""
        with smtplib.LMTP(self.host, self.ports.lmtp) as client:
            client.sendmail("stranger@example.org", [self.address(user)], raw)

    def append(
        self, user: str, raw: bytes, mailbox: str = "INBOX", flags: str = ""
    ) -> None:
        """Put a message in any mailbox, byte for byte, as a mail client does."""
        with self.client(user) as client:
            reading.checked(client.append(f'"{mailbox}"', f"({flags})", "", raw))

    def create(self, user: str, *mailboxes: str) -> None:
        """Make mailboxes; their names are ASCII."""
        with self.client(user) as client:
            for mailbox in mailboxes:
                reading.checked(client.create(f'"{mailbox}"'))

    def backlog(self, user: str, raws: Iterable[bytes]) -> None:
        """Lay many messages into a user's INBOX, in this order, and tell nobody."""
        for folder in ("Maildir", "Maildir/cur", "Maildir/new"):
            self._folder(user, folder)
        draft = self._folder(user, "Maildir/tmp")
        for raw in raws:
            path = draft / f"{int(time.time())}.{next(self._serial):08}.backlog"
            path.write_bytes(raw)
            _give(user, path)  # before it is seen: from then on it is the server's
            path.rename(draft.with_name("new") / path.name)

    def forget(self, user: str) -> None:
        """Take away all mailboxes of a user, who begins anew."""
        shutil.rmtree(self.home / "mail" / user / "Maildir", ignore_errors=True)

    def maildir(self, user: str) -> Path:
        """Where a user's mail lies; what others write there must be handed over."""
        return self._folder(user, "Maildir")

    def hand_over(self, user: str) -> None:
        """Make a user the owner of all that lies in the user's Maildir."""
        for path in (self.home / "mail" / user / "Maildir").rglob("*"):
            _give(user, path)

    def mailboxes(self, user: str) -> dict[str, list[Stored]]:
        """Everything a user has, by mailbox, in the order of UIDs."""
        with self.client(user) as client:
            return reading.mailboxes(client)

    def client(self, user: str) -> AbstractContextManager[imaplib.IMAP4]:
        """A mail client of this user, without TLS."""
        return reading.logged_in(self.host, self.ports.imap, user, self.password)

    def record(self, user: str) -> None:
        """Keep what this user's IMAP clients say from the next login on."""
        self._folder(user, "rawlog")

    def commands(self, user: str) -> list[str]:
        """The lines this user's clients (and `mailboxes`) have sent since `record`.

        Tags are cut off; the lines of literals are among them.
        """
        logs = sorted(self._folder(user, "rawlog").glob("*.in"))
        lines = (line for log in logs for line in log.read_text("latin-1").splitlines())
        return [line.split(" ", 2)[-1] for line in lines]

    def log(self) -> str:
        """Dovecot's own log so far."""
        return (self.home / "dovecot.log").read_text()

    def _folder(self, user: str, name: str) -> Path:
        folder = self.home / "mail" / user / name
        folder.mkdir(exist_ok=True)
        _give(user, folder)
        return folder


def _give(user: str, path: Path) -> None:
    os.chown(path, _OWNERS[user], _OWNERS[user])


@contextmanager
def running_dovecot(
    certificates: Certificates,
    capability: str | None = None,
    client_certificates: bool = False,
    dotted: bool = False,
) -> Iterator[DovecotServer]:
    """A private Dovecot until the end of the block.

    `capability` is what it announces after login instead of all that it can do. With
    `client_certificates` (Dovecot 2.3 only) they are required, and enough to log in.
    With `dotted` its clients call a mailbox `Work` by `INBOX.Work`.
    """
    with shared_folder("dovecot") as home:
        ports = Ports(*free_ports(6))
        config = home / "dovecot.conf"
        config.write_text(
            configuration(
                version(),
                home,
                ports,
                certificates,
                capability,
                client_certificates,
                dotted,
            )
        )
        _make_users(home)
        command = ["dovecot", "-F", "-c", str(config)]
        with running(command, list(astuple(ports)), home / "dovecot.out"):
            yield DovecotServer(home, ports)


def version() -> str:
    """The version of the Dovecot that is installed, as it prints it."""
    command = ["dovecot", "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _make_users(home: Path) -> None:
    for folder in ("run", "state", "mail"):
        (home / folder).mkdir()
    lines = []
    for user, owner in _OWNERS.items():
        place = home / "mail" / user
        place.mkdir()
        _give(user, place)
        lines.append(f"{user}:{{PLAIN}}{PASSWORD}:{owner}:{owner}::{place}::\n")
    (home / "users").write_text("".join(lines))
