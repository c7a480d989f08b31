"""A private Postfix on loopback: takes mail by SMTP, keeps it or hands it to Dovecot.

It has its own configuration, queue and data; an installed Postfix is not touched.
"""

from __future__ import annotations

import email
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam

from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.dovecot_config import DOMAIN
from tests.servers.programs import (
    LOOPBACK,
    free_ports,
    running,
    shared_folder,
    wait_until,
)

# The numeric owner of the mail that is kept.
_OWNER = 22999

_QUEUE = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("maildrop", "pid", "private", "public", "saved", "trace"),
)

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_tls_security_level = may
smtpd_tls_chain_files = {home}/tls.pem
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtp_host_lookup = native
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
local_header_rewrite_clients =
message_size_limit = 104857600
virtual_mailbox_limit = 0
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_base = {home}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
"""

# With a Dovecot beside it: its users may log in here, and their mail goes there.
_WITH_DOVECOT = """
transport_maps = inline:{{ {{ {domain} = lmtp:inet:{host}:{ports.lmtp} }} }}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{host}:{ports.auth}
"""

# No chroot, and of the services only those that receive and deliver.
_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Delivered:
    """A message for one recipient, below Postfix's own headers; its lines end in LF."""

    sender: str
    recipient: str
    raw: bytes


@dataclass(frozen=True)
class PostfixServer:
    """A running Postfix that takes mail for any address, with STARTTLS and without."""

    home: Path
    port: int
    tls_port: int
    host: str = LOOPBACK

    def delivered(self) -> list[Delivered]:
        """What has been delivered, in no order; mail for Dovecot's users lies there."""
        return [_delivered(path) for path in (self.home / "mail/new").glob("*")]

    def wait_for(self, recipient: str, count: int = 1) -> list[Delivered]:
        """The messages of a recipient, once there are that many."""
        what = f"{count} messages for {recipient}"
        wait_until(lambda: len(self._of(recipient)) >= count, what)
        return self._of(recipient)

    def log(self) -> str:
        """Postfix's own log so far."""
        return (self.home / "postfix.log").read_text()

    def _of(self, recipient: str) -> list[Delivered]:
        return [each for each in self.delivered() if each.recipient == recipient]


def _delivered(path: Path) -> Delivered:
    raw = path.read_bytes()
    header = email.message_from_bytes(raw)
    sender = header["Return-Path"].strip("<>")
    return Delivered(sender, header["Delivered-To"], raw)


@contextmanager
def running_postfix(
    certificates: Certificates, dovecot: DovecotServer | None = None
) -> Iterator[PostfixServer]:
    """A private Postfix until the end of the block.

    Mail for the users of `dovecot` goes there by LMTP, everything else is kept. They
    may log in with their passwords; nobody has to.
    """
    with shared_folder("postfix") as home:
        smtp, smtps = free_ports(2)
        config = _configure(home, smtp, smtps, dovecot)
        _copy_certificate(home, certificates)
        master = [f"{_daemon_directory()}/master", "-c", str(config)]
        with running(master, [smtp, smtps], home / "postfix.out"):
            yield PostfixServer(home, smtp, smtps)


def _configure(
    home: Path, smtp: int, smtps: int, dovecot: DovecotServer | None
) -> Path:
    config = home / "config"
    main = _MAIN.format(home=home, owner=_OWNER)
    if dovecot is not None:
        places = {"host": dovecot.host, "ports": dovecot.ports}
        main += _WITH_DOVECOT.format(domain=DOMAIN, **places)
    config.mkdir()
    (config / "main.cf").write_text(main)
    (config / "master.cf").write_text(_MASTER.format(smtp=smtp, smtps=smtps))
    _make_queue(home)
    return config


def _make_queue(home: Path) -> None:
    owner = getpwnam("postfix").pw_uid
    _own(home / "queue", 0)
    _own(home / "data", owner)
    _own(home / "mail", _OWNER)
    for name in _QUEUE:
        _own(home / "queue" / name, owner)


def _own(folder: Path, owner: int) -> None:
    folder.mkdir()
    os.chown(folder, owner, -1)


def _copy_certificate(home: Path, certificates: Certificates) -> None:
    chain = home / "tls.pem"
    chain.write_bytes(
        certificates.key.read_bytes() + certificates.certificate.read_bytes()
    )
    chain.chmod(0o600)


def _daemon_directory() -> str:
    command = ["postconf", "-dh", "daemon_directory"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return answer.stdout.strip()
