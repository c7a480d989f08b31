"""A stranger's plugin, installed like any other: what it brings, and what it breaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

DEADLY = """
import os
import signal
from postroom import Condition, hookimpl

class Deadly(Condition):
    \"\"\"Ends the whole program at the sight of one subject.\"\"\"
    depth = "headers"

    def holds(self, message):
        if message.subject == "Lunch":
            os.kill(os.getpid(), signal.SIGKILL)
        return False

@hookimpl
def register_conditions(register):
    register("deadly", Deadly)
"""

DEADLY_RULES = """
[[rule]]
name = "deadly"
when.deadly = true
then = [ { flag = true } ]

[[rule]]
name = "everything else"
then = [ { move = "Handled" } ]
"""

TELLING = """
from postroom import hookimpl

@hookimpl
async def delivery_settled(outgoing, status, detail):
    with open("{journal}", "a") as journal:
        print(status, outgoing.envelope.recipients[0], file=journal)
"""

Install = Callable[[Daemon, str], None]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Installs a plugin `acme` with this source, as pip would, for a daemon alone."""

    def install(daemon: Daemon, source: str) -> None:
        site = tmp_path / "site"
        info = site / "acme-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "postroom_acme.py").write_text(source)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text("[postroom]\nacme = postroom_acme\n")
        daemon.environment = {**daemon.environment, "PYTHONPATH": str(site)}

    return install


def test_a_message_that_ends_the_program_is_quarantined_and_no_other_is(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    install: Install,
) -> None:
    """Message 5 kills the process at each try; the others of its batch are handled."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, range(9)))
    daemon = make_daemon(user, plain(sink), "process", rules=DEADLY_RULES)
    install(daemon, DEADLY)
    runs = 0
    while daemon.command("run", "--once").returncode != 0:
        runs += 1
        assert runs <= 5
    places = {number: name for name, number, _ in observe(dovecot.mailboxes(user))}
    assert places == {n: "INBOX" if n == 5 else "Handled" for n in range(9)}
    assert "quarantined: home/INBOX UID 6 <5@tests>" in daemon.command("status").stdout


def test_a_plugin_is_told_how_a_delivery_ended(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    install: Install,
    tmp_path: Path,
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(1)])
    daemon = make_daemon(user, plain(sink), "process")
    install(daemon, TELLING.format(journal=tmp_path / "journal"))
    daemon.run_once()
    assert (tmp_path / "journal").read_text() == "delivered books@kept.test\n"


def test_a_plugin_that_can_not_be_loaded_stops_the_start_and_is_named(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    install: Install,
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink))
    install(daemon, "import postroom_no_such_module")
    done = daemon.command("run", "--once")
    assert done.returncode == 78
    assert "plugin acme: " in done.stderr
