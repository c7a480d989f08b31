"""What its owner has a running daemon do, by the program and on a real server."""

from __future__ import annotations

import json
import stat

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import make_mail
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

FLAG = '[[rule]]\nname = "flag it"\nthen = [ { flag = true } ]\n'
STAR = '[[rule]]\nname = "star it"\nthen = [ { flag = true } ]\n'


def ask(daemon: Daemon, *words: str) -> str:
    """What a command that ends well prints."""
    done = daemon.command(*words)
    assert done.returncode == 0, done
    return done.stdout


def started(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> tuple[Daemon, str]:
    """A daemon that watches the mail of a user."""
    user = dovecot.new_user()
    daemon = make_daemon(user, plain(sink), rules=FLAG)
    daemon.start()
    daemon.wait_for("service_started")
    return daemon, user


def test_what_comes_to_a_paused_rule_waits_until_it_is_resumed(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon, user = started(dovecot, sink, make_daemon)
    socket = daemon.folder / "state" / "control.sock"
    ask(daemon, "pause", "flag it")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    dovecot.backlog(user, [make_mail(1)])
    ask(daemon, "poll", "home")
    daemon.wait_for("message_undecided")
    (rule,) = json.loads(ask(daemon, "status", "--json"))["held_rules"]
    assert (rule["name"], rule["waiting"]) == ("flag it", 1)
    ask(daemon, "resume", "flag it")
    daemon.wait_for("message_handled")
    assert json.loads(ask(daemon, "status", "--json"))["held_rules"] == []
    assert daemon.stop() == 0
    assert not socket.exists()


def test_a_paused_account_is_left_alone_even_after_a_restart(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon, user = started(dovecot, sink, make_daemon)
    ask(daemon, "pause", "home")
    assert daemon.stop() == 0
    daemon.seen.clear()
    daemon.start()
    daemon.wait_for("service_started")
    account = json.loads(ask(daemon, "status", "--json"))["accounts"]["home"]
    assert account["mailboxes"]["INBOX"]["state"] == "paused"
    dovecot.backlog(user, [make_mail(1)])
    ask(daemon, "resume", "home")
    daemon.wait_for("message_handled")


def test_new_rules_are_taken_up_and_wrong_ones_refused(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon, _ = started(dovecot, sink, make_daemon)
    rules = daemon.folder / "rules.d" / "10-all.toml"
    rules.write_text(STAR.replace("flag =", "flagg ="))
    done = daemon.command("reload")
    assert done.returncode == 78
    assert "did you mean 'flag'?" in done.stderr
    assert "flagg" in json.loads(ask(daemon, "status", "--json"))["notices"]["reload"]
    rules.write_text(STAR)
    assert ask(daemon, "reload") == "reloaded\n"
    assert json.loads(ask(daemon, "status", "--json"))["notices"] == {}
    ask(daemon, "pause", "star it")
