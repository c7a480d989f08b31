"""No file descriptor is left: what needs one waits, and goes on once there are some."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import expect, expect_forwards, make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.servers.sink import RecordingSmtp

FIRST, SECOND, *_ = [number for number in range(20) if expect_forwards([number])]


@pytest.fixture
def proxy(dovecot: DovecotServer) -> Iterator[CountingProxy]:
    """What stands between the daemon and Dovecot."""
    with counting_proxy(dovecot.host, dovecot.ports.imaps) as proxy:
        yield proxy


def allow(daemon: Daemon, descriptors: int) -> None:
    """Let the daemon have so many descriptors, now."""
    assert daemon.process is not None
    pid = daemon.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors, most))


def test_without_descriptors_a_daemon_waits_and_loses_nothing(
    dovecot: DovecotServer,
    proxy: CountingProxy,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    """Its connection is cut when it can make no other; it tries again, and seldom."""
    user = dovecot.new_user()
    daemon = make_daemon(user, plain(sink), imap=proxy.port)
    daemon.start()
    daemon.wait_for("mailbox_watched")
    dovecot.deliver(user, make_mail(FIRST))
    daemon.wait_for("delivery_settled")
    allow(daemon, 3)
    proxy.cut()
    daemon.wait_for("watch_failed", 2)
    dovecot.deliver(user, make_mail(SECOND))
    allow(daemon, 1024)
    daemon.wait_for("delivery_settled", 2)
    assert daemon.stop() == 0
    failures = daemon.wait_for("watch_failed")
    assert all("Too many open files" in each["error"] for each in failures[1:])
    assert len(failures) < 12
    assert observe(dovecot.mailboxes(user)) == expect([FIRST, SECOND])
    assert len(sink.received) == 2
