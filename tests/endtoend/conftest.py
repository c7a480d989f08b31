"""A daemon for a Dovecot user over TLS that sends through any server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.endtoend.daemon import Daemon
from tests.endtoend.maildrops import PopHouse
from tests.endtoend.oracle import RULES
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.maildrop import Maildrop, serving_maildrop
from tests.servers.sink import RecordingSmtp

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1", port = {imap}, ca = "{ca}" }}
smtp = {{ host = "127.0.0.1", {smtp} }}
existing = "{existing}"
"""

MakeDaemon = Callable[..., Daemon]


@pytest.fixture
def make_daemon(
    tmp_path: Path, dovecot: DovecotServer, certificates: Certificates
) -> Iterator[MakeDaemon]:
    """Makes a daemon for a user; whatever still runs at the end is killed."""
    made: list[Daemon] = []

    def make(
        user: str,
        smtp: str,
        existing: str = "leave",
        imap: int = dovecot.ports.imaps,
        rules: str = RULES,
        more: str = "",
    ) -> Daemon:
        settings = SETTINGS.format(
            folder=tmp_path,
            address=dovecot.address(user),
            imap=imap,
            ca=certificates.authority,
            smtp=smtp,
            existing=existing,
        )
        daemon = Daemon(tmp_path, {"MAIL_PASSWORD": dovecot.password})
        daemon.settings.write_text(settings + more)
        (tmp_path / "rules.d").mkdir()
        (tmp_path / "rules.d" / "10-all.toml").write_text(rules)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()


@pytest.fixture
def maildrop() -> Iterator[Maildrop]:
    """A POP3 server that can misbehave; empty."""
    with serving_maildrop() as drop:
        yield drop


@pytest.fixture
def house(tmp_path: Path, sink: RecordingSmtp) -> PopHouse:
    """What the daemon of a POP3 account needs beside its maildrop."""
    return PopHouse(tmp_path, sink)
