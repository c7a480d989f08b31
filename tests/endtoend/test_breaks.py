"""Killed, cut off, refused: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections import Counter

import pytest

from postroom.mail.loops import Hop
from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.oracle import (
    expect,
    expect_forwards,
    make_mail,
    observe,
    read_forward,
)
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import counting_proxy
from tests.servers.sink import RecordingSmtp

NUMBERS = range(900)


@pytest.mark.parametrize(
    ("event", "count"),
    [("message_handled", 1), ("message_handled", 60), ("delivery_settled", 1)],
)
def test_kill_9_loses_nothing_and_repeats_only_the_unknown(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    event: str,
    count: int,
) -> None:
    """Killed three times in the middle of a backlog, then run to the end."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, NUMBERS))
    daemon = make_daemon(user, plain(sink), "process")
    for _ in range(3):
        daemon.start("--once")
        daemon.wait_for(event, count)
        daemon.kill()
        daemon.seen.clear()
    events = daemon.run_once()
    unknown = sum(
        one["count"] for one in events if one["event"] == "deliveries_unknown"
    )
    assert observe(dovecot.mailboxes(user)) == expect(NUMBERS)
    sent = Counter(read_forward(one.raw) for one in sink.received)
    wanted = expect_forwards(NUMBERS)
    assert set(sent) == set(wanted)
    # What was between the final dot and its reply may have gone out before; each kill
    # leaves at most one such message.
    assert (sent - wanted).total() <= 3
    assert unknown <= 1


def test_a_connection_that_is_cut_again_and_again_loses_nothing(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """Cut after ever more octets, in the middle of whatever is going on."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, range(300)))
    with counting_proxy(dovecot.host, dovecot.ports.imaps) as proxy:
        daemon = make_daemon(user, plain(sink), "process", imap=proxy.port)
        for octets in range(4_000, 160_000, 12_000):
            proxy.cut_after(octets)
            daemon.command("run", "--once")
        proxy.cut_after(None)
        daemon.run_once()
    assert observe(dovecot.mailboxes(user)) == expect(range(300))
    sent = Counter(read_forward(one.raw) for one in sink.received)
    assert sent == expect_forwards(range(300))


def test_an_account_that_fails_does_not_hold_up_another(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    more = """
    [account.away]
    address = "me@away.example"
    password = "env:MAIL_PASSWORD"
    imap = { host = "127.0.0.1", port = 9, tls = "none" }
    smtp = { account = "home" }
    """
    daemon = make_daemon(user, plain(sink), more=more)
    daemon.start()
    daemon.wait_for("mailbox_watched")
    daemon.wait_for("watch_failed")
    dovecot.deliver(user, make_mail(1))
    daemon.wait_for("delivery_settled")
    told = daemon.command("status").stdout
    assert daemon.stop() == 0
    assert "retrying" in told
    assert "idle" in told
    assert observe(dovecot.mailboxes(user)) == expect([1])


def test_a_wrong_password_is_told_and_not_tried_again_soon(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink))
    daemon.environment = {"MAIL_PASSWORD": "not the password"}
    daemon.start()
    (event,) = daemon.wait_for("watch_failed")
    told = daemon.command("status").stdout
    assert daemon.stop() == 0
    assert event["retry_in"] >= 300
    assert "refused" in told
    assert "not the password" not in told + str(daemon.seen)


def test_a_relay_that_is_away_delays_what_is_sent_and_nothing_else(
    dovecot: DovecotServer, make_daemon: MakeDaemon, sink: RecordingSmtp
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(1), make_mail(6)])
    away = 'port = 9, tls = "none", auth = false'
    daemon = make_daemon(user, away, "process")
    done = daemon.command("run", "--once")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    told = daemon.command("status").stdout
    assert "relay home: 127.0.0.1:9" in told
    assert "relay home: 1 to be sent" in told
    assert observe(dovecot.mailboxes(user)) == expect([1, 6])
    settings = daemon.settings.read_text()
    daemon.settings.write_text(settings.replace(away, plain(sink)))
    daemon.run_once()
    assert [read_forward(one.raw) for one in sink.received] == [1]
    assert "relay home" not in daemon.command("status").stdout


def test_a_second_daemon_on_the_same_store_is_refused(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon(dovecot.new_user(), plain(sink))
    daemon.start()
    daemon.wait_for("service_started")
    second = daemon.command("run", "--once")
    assert daemon.stop() == 0
    assert second.returncode == 1
    assert daemon.process is not None
    assert str(daemon.process.pid) in second.stderr


def test_an_expunge_waits_until_the_forward_is_delivered(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """A message whose forward is delayed stays on the server."""
    rules = """
    [[rule]]
    name = "pass on and remove"
    then = [ { delete = "forever" }, { forward = "books@kept.test" } ]
    """
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(1)])
    away = 'port = 9, tls = "none", auth = false'
    daemon = make_daemon(user, away, "process", rules=rules)
    assert daemon.command("run", "--once").returncode == 1
    assert len(dovecot.mailboxes(user)["INBOX"]) == 1
    settings = daemon.settings.read_text()
    daemon.settings.write_text(settings.replace(away, plain(sink)))
    daemon.run_once()
    assert [read_forward(one.raw) for one in sink.received] == [1]
    assert dovecot.mailboxes(user)["INBOX"] == []


def test_what_could_not_be_forwarded_is_not_removed_for_good(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """A stranger can forge what makes a forward be refused; it must cost no mail."""
    rules = """
    [[rule]]
    name = "pass on and remove"
    then = [ { forward = "books@kept.test" }, { delete = "forever" } ]
    """
    user = dovecot.new_user()
    forged = f"X-Postroom-Trace: {Hop.of(dovecot.address(user))}\r\n".encode()
    dovecot.backlog(
        user, [forged + make_mail(1), b"Return-Path: <>\r\n" + make_mail(2)]
    )
    daemon = make_daemon(user, plain(sink), "process", rules=rules)
    events = daemon.run_once()
    assert sink.received == []
    assert len(dovecot.mailboxes(user)["INBOX"]) == 2
    told = [one["undone"] for one in events if one["event"] == "message_handled"]
    assert told == [
        ["forward: refused: this account has forwarded it before"],
        ["forward: refused: it is a bounce"],
    ]


def test_what_a_relay_refuses_is_shown_with_its_words(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(1)])
    sink.refusals["books@kept.test"] = "550 5.1.1 nobody of that name"
    daemon = make_daemon(user, plain(sink), "process")
    events = daemon.run_once(status=1)
    (settled,) = [one for one in events if one["event"] == "delivery_settled"]
    assert (settled["level"], settled["state"]) == ("warning", "failed")
    told = daemon.command("status").stdout
    assert "failed: to books@kept.test: 550 5.1.1 nobody of that name" in told
    assert "outbox: 1 failed" in told
