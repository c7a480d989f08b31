"""The program among others: how it ends, and that no password gets out."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import expect, make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp, recording_smtp

CANARY = "canary-7d1f"
FLAG = '[[rule]]\nname = "flag it"\nthen = [ { flag = true } ]\n'
FORWARD = '[[rule]]\nname = "x"\nthen = [ { forward = "books@kept.test" } ]\n'


def test_sigterm_lets_the_batch_in_hand_be_finished(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """Whatever was handled is done when it ends, and the rest is untouched."""
    user, numbers = dovecot.new_user(), range(1500)
    dovecot.backlog(user, map(make_mail, numbers))
    daemon = make_daemon(user, plain(sink), "process", rules=FLAG)
    daemon.start()
    daemon.wait_for("message_handled")
    assert daemon.stop() == 0
    daemon.wait_for("service_stopping")
    with closing(sqlite3.connect(daemon.folder / "state" / "postroom.db")) as store:
        query = "SELECT state, count(*) FROM message GROUP BY state"
        states = dict(store.execute(query).fetchall())
    assert states.keys() == {"acknowledged"}
    assert 250 <= states["acknowledged"] < len(numbers)
    inbox = dovecot.mailboxes(user)["INBOX"]
    flagged = sum("\\Flagged" in stored.flags for stored in inbox)
    assert flagged == states["acknowledged"]


def test_sigterm_ends_it_while_a_server_is_away(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink), imap=9)
    daemon.start()
    daemon.wait_for("watch_failed")
    assert daemon.stop() == 0


def test_run_once_exits_with_1_when_a_mailbox_failed(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink), imap=9)
    done = daemon.command("run", "--once")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]


def test_wrong_settings_exit_with_78_before_anything_is_done(
    tmp_path: Path,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink), rules="[[rule]]\n")
    done = daemon.command("run")
    assert done.returncode == 78
    assert done.stderr.splitlines()[-1].endswith("nothing was done.")
    assert not (tmp_path / "state").exists()


# -- the password ----------------------------------------------------------------------


def shown(daemon: Daemon) -> str:
    """All that the commands show, and every octet in the store's folder."""
    outputs = []
    for command in (
        ("check", "--connect"),
        ("run", "--once"),
        ("status",),
        ("status", "--json"),
    ):
        done = daemon.command(*command)
        assert done.stderr or done.stdout, command
        outputs.append(done.stdout + done.stderr)
    json.loads(outputs[-1])
    files = [path for path in (daemon.folder / "state").iterdir() if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    outputs += [path.read_bytes().decode("latin-1") for path in files]
    return "\n".join(outputs)


@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_a_password_appears_nowhere(
    dovecot: DovecotServer, make_daemon: MakeDaemon, is_right: bool
) -> None:
    """Not in a log, an answer, the store or a status; accepted or refused."""
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(5)])
    with recording_smtp(login=True) as smtp:
        smtp.password = CANARY if is_right else "another"
        settings = f'port = {smtp.port}, tls = "none", user = "postroom", ' + (
            'password = "env:SMTP_WORD"'
        )
        daemon = make_daemon(user, settings, "process", rules=FORWARD)
        daemon.environment = {"MAIL_PASSWORD": CANARY, "SMTP_WORD": CANARY}
        told = shown(daemon)
        # IMAP refused the canary; now let SMTP have it as well.
        daemon.environment = {"MAIL_PASSWORD": dovecot.password, "SMTP_WORD": CANARY}
        told += shown(daemon)
    assert len(smtp.received) == is_right
    assert "message_handled" in told
    assert CANARY not in told
    assert observe(dovecot.mailboxes(user)) == expect([5])
