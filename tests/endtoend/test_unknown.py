"""Killed at the final dot: what is unknown is looked for in Sent, then by policy."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

RULES = """
[[rule]]
name = "send"
then = [ {{ {action} }} ]
"""
FORWARD = 'forward = "books@kept.test"'
REDIRECT = 'redirect = "books@kept.test"'
REPLY = 'reply = "We have it."'


def letter(address: str) -> bytes:
    """What somebody writes to this address."""
    return (
        f"From: ann@example.org\r\nTo: {address}\r\nSubject: an order\r\n"
        "Message-ID: <order@example.org>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
        "\r\nOne, please.\r\n"
    ).encode()


def killed_at_the_dot(
    daemon: Daemon, sink: RecordingSmtp, keep: Callable[[bytes], None]
) -> list[bytes]:
    """Run the program, and kill it when the server has its first message, which is kept
    as the server keeps it; what it had then."""
    taken: list[bytes] = []

    def at_dot(octets: bytes) -> None:
        taken.append(octets)
        keep(octets)
        daemon.kill()

    sink.at_dot = at_dot
    daemon.start("--once")
    assert daemon.process is not None
    daemon.process.wait(60)
    assert len(taken) == 1
    return taken


def shown(daemon: Daemon) -> dict[str, object]:
    """All about the one delivery there is, as its owner is shown it."""
    done = daemon.command("outbox", "show", "1", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("action", [FORWARD, REDIRECT, REPLY])
def test_what_is_found_in_sent_was_delivered_and_is_not_sent_again(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon, action: str
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Sent")
    dovecot.deliver(user, letter(dovecot.address(user)))
    rules = RULES.format(action=action)
    daemon = make_daemon(user, plain(sink), "process", rules=rules)
    killed_at_the_dot(daemon, sink, lambda raw: dovecot.append(user, raw, "Sent"))
    events = [each["event"] for each in daemon.run_once()]
    assert "deliveries_unknown" in events
    assert sink.received == []
    told = json.dumps(shown(daemon))
    assert "found in Sent (UID 1, UIDVALIDITY" in told
    assert '"delivered"' in told
    [copy] = dovecot.mailboxes(user)["Sent"]
    assert copy.flags == frozenset()
    daemon.run_once()
    assert sink.received == []


@pytest.mark.parametrize("action", [FORWARD, REDIRECT])
def test_what_no_sent_mailbox_tells_of_is_sent_again_byte_for_byte(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon, action: str
) -> None:
    user = dovecot.new_user()
    dovecot.deliver(user, letter(dovecot.address(user)))
    rules = RULES.format(action=action)
    daemon = make_daemon(user, plain(sink), "process", rules=rules)
    [first] = killed_at_the_dot(daemon, sink, lambda raw: None)
    daemon.start()
    sink.wait_for(1, 60)
    daemon.wait_for("delivery_settled")
    assert [each.raw for each in sink.received] == [first]
    assert daemon.stop() == 0
    assert "there is no Sent mailbox" in json.dumps(shown(daemon))


def test_an_answer_that_is_not_in_sent_stays_unknown_and_is_shown(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.deliver(user, letter(dovecot.address(user)))
    rules = RULES.format(action=REPLY)
    daemon = make_daemon(user, plain(sink), "process", rules=rules)
    killed_at_the_dot(daemon, sink, lambda raw: None)
    daemon.run_once(status=1)
    daemon.command("run", "--once")
    assert sink.received == []
    assert "unknown" in daemon.command("outbox", "list").stdout
    assert "unknown" in daemon.command("status").stdout
