"""An account is known by its login: its name in the settings may change."""

from __future__ import annotations

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import expect, expect_forwards, make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import free_ports
from tests.servers.sink import RecordingSmtp

ALL = range(18)


def rename(daemon: Daemon, before: str, now: str) -> None:
    """Give the account another name in the settings."""
    settings = daemon.settings.read_text()
    assert f"[account.{before}]" in settings
    daemon.settings.write_text(
        settings.replace(f"[account.{before}]", f"[account.{now}]")
    )


def test_a_renamed_account_adopts_nothing_and_repeats_nothing(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """What came while it had no name is handled, what was handled is not."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, ALL[:9]))
    daemon = make_daemon(user, plain(sink), "process")
    daemon.run_once()
    settings = daemon.settings.read_text()
    daemon.settings.write_text(settings.replace('"process"', '"leave"'))
    rename(daemon, "home", "private")
    for number in ALL[9:]:
        dovecot.deliver(user, make_mail(number))
    events = daemon.run_once()
    renamed = [one for one in events if one["event"] == "account_renamed"]
    assert [(one["before"], one["account"]) for one in renamed] == [("home", "private")]
    assert sum(one["event"] == "message_handled" for one in events) == 9
    assert observe(dovecot.mailboxes(user)) == expect(ALL)
    assert len(sink.received) == expect_forwards(ALL).total()


def test_what_waits_to_be_sent_goes_out_under_the_new_name(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, ALL[:9]))
    (closed,) = free_ports(1)
    away = plain(sink).replace(str(sink.port), str(closed))
    daemon = make_daemon(user, away, "process")
    assert daemon.command("run", "--once").returncode == 1  # the relay is away
    rename(daemon, "home", "private")
    settings = daemon.settings.read_text()
    daemon.settings.write_text(settings.replace(f"= {closed},", f"= {sink.port},"))
    daemon.start()
    daemon.wait_for("delivery_settled", expect_forwards(ALL[:9]).total())
    assert daemon.stop() == 0
    assert len(sink.received) == expect_forwards(ALL[:9]).total()
