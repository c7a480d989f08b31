"""What systemd hears of the program: when it is ready, how it stands, when it stops."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.notified import Notified, listening
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

FORWARD = '[[rule]]\nname = "x"\nthen = [ { forward = "books@kept.test" } ]\n'


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Notified]:
    """What listens as systemd does."""
    with listening(tmp_path / "notify") as notified:
        yield notified


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    systemd: Notified,
) -> None:
    """And between them how it stands, whenever that is something else."""
    daemon = make_daemon(dovecot.new_user(), plain(sink))
    systemd.hear(daemon)
    daemon.start()
    ready = systemd.next()
    assert ready == {"READY": "1", "STATUS": "1 account, 1 connecting; outbox 0"}
    systemd.until("STATUS", "1 account, 1 idle; outbox 0")
    assert daemon.stop() == 0
    assert systemd.next() == {
        "STOPPING": "1",
        "STATUS": "stopping: what is begun is finished",
    }


def test_the_status_tells_what_is_away_and_what_waits(
    dovecot: DovecotServer, make_daemon: MakeDaemon, systemd: Notified
) -> None:
    """Where `systemctl status` is looked at first: which relay, and until when."""
    user = dovecot.new_user()
    dovecot.backlog(user, [b"From: a@x.test\r\nSubject: y\r\n\r\nz\r\n"])
    away = 'port = 9, tls = "none", auth = false'
    more = (
        '\n[account.away]\naddress = "b@x.test"\npassword = "env:MAIL_PASSWORD"\n'
        'imap = { host = "127.0.0.1", port = 9 }\nsmtp = { account = "home" }\n'
    )
    daemon = make_daemon(user, away, "process", rules=FORWARD, more=more)
    systemd.hear(daemon)
    daemon.start()
    systemd.until("STATUS", "2 accounts", "1 retrying")
    told = systemd.until("STATUS", "1 idle", "outbox 1", "; relay home fails, tried ")
    assert "in " in told["STATUS"] or "now" in told["STATUS"]
    assert daemon.command("pause", "away").returncode == 0
    systemd.until("STATUS", "2 accounts, 1 idle, 1 paused; outbox 1;")
    assert daemon.stop() == 0


def test_a_reload_is_told_from_its_beginning_to_its_end(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    systemd: Notified,
) -> None:
    """Whether it is good or not; the status names what it was refused for."""
    daemon = make_daemon(dovecot.new_user(), plain(sink), rules=FORWARD)
    rules = daemon.folder / "rules.d" / "10-all.toml"
    systemd.hear(daemon)
    daemon.start()
    systemd.until("STATUS", "1 idle")
    assert daemon.process is not None
    for text, wrong in [("[[rule]]\n", True), (FORWARD, False)]:
        rules.write_text(text)
        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)
        began = systemd.until("RELOADING", "1")
        now = time.monotonic_ns() // 1000
        assert before <= int(began["MONOTONIC_USEC"]) <= now
        ended = systemd.until("READY", "1")
        refused = f"the last reload was refused: {rules}: " in ended["STATUS"]
        assert refused is wrong, ended
        assert ("(and 1 more)" in ended["STATUS"]) is wrong, ended
    assert daemon.stop() == 0


def test_a_start_that_settings_forbid_leaves_the_reason_in_the_status(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    systemd: Notified,
) -> None:
    """The first problem on one line, and how many more; so it does for the store."""
    rules = '[[rule]]\nname = "x"\nthen = [{ mvoe = "B" }, { cpoy = 1 }, { dlete = 1 }]'
    daemon = make_daemon(dovecot.new_user(), plain(sink), rules=rules)
    systemd.hear(daemon)
    assert daemon.command("run").returncode == 78
    told = systemd.next()["STATUS"]
    assert "'mvoe'" in told
    assert told.endswith("did you mean 'move'? (and 2 more)")
    (daemon.folder / "rules.d" / "10-all.toml").write_text(FORWARD)
    (daemon.folder / "state").mkdir()
    (daemon.folder / "state" / "postroom.db").write_text("no store" * 1000)
    assert daemon.command("run").returncode == 1
    assert "postroom.db" in systemd.next()["STATUS"]
    assert len(systemd.told) == 2
