"""A server that calls a mailbox `INBOX.Work`: rules may call it by either name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.oracle import make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.sink import RecordingSmtp

RULES = """
[[rule]]
name = "sort"
mailboxes = ["INBOX"]
then = [ { move = "%s" } ]

[[rule]]
name = "tidy"
mailboxes = ["%s"]
then = [ { mark = "read" } ]
"""


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[DovecotServer]:
    """A Dovecot with the prefix and the delimiter of Courier."""
    with running_dovecot(certificates, dotted=True) as dovecot:
        yield dovecot


@pytest.mark.parametrize(
    ("watched", "target"), [("Work", "INBOX/Work"), ("INBOX/Work", "Work")]
)
def test_what_a_rule_moves_by_another_name_is_no_arrival_there(
    server: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    watched: str,
    target: str,
) -> None:
    user = server.new_user()
    server.create(user, "INBOX.Work")
    daemon = make_daemon(
        user,
        plain(sink),
        imap=server.ports.imaps,
        rules=RULES % (target, watched),
        more=f"watch = {json.dumps(['INBOX', watched])}\n",
    )
    daemon.start()
    daemon.wait_for("mailbox_watched", 2)
    server.deliver(user, make_mail(1))
    daemon.wait_for("message_handled")
    server.append(user, make_mail(2), "INBOX.Work")
    handled = daemon.wait_for("message_handled", 2)
    assert daemon.stop() == 0
    again = daemon.run_once()  # looks at both once more
    assert not [event for event in again if event["event"] == "message_handled"]
    assert Counter(event["mailbox"] for event in handled) == {"INBOX": 1, watched: 1}
    there = observe(server.mailboxes(user))
    seen = frozenset({"\\Seen"})
    assert there == {("INBOX.Work", 1, frozenset()): 1, ("INBOX.Work", 2, seen): 1}


def test_a_mailbox_that_is_named_twice_has_one_listener_and_the_other_is_told(
    server: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = server.new_user()
    server.create(user, "INBOX.Work")
    daemon = make_daemon(
        user,
        plain(sink),
        imap=server.ports.imaps,
        rules=RULES % ("Work", 'INBOX/Work", "Work'),
        more='watch = ["INBOX", "INBOX/Work", "Work"]\n',
    )
    daemon.start()
    daemon.wait_for("mailbox_watched", 2)
    (failed,) = daemon.wait_for("watch_failed")
    assert failed["mailbox"] == "Work"
    assert "the same mailbox as INBOX/Work" in str(failed)
    server.append(user, make_mail(2), "INBOX.Work")
    handled = daemon.wait_for("message_handled")
    assert daemon.stop() == 0
    watches = [event for event in daemon.seen if event["event"] == "mailbox_watched"]
    assert {event["mailbox"] for event in watches} == {"INBOX", "INBOX/Work"}
    assert [event["mailbox"] for event in handled] == ["INBOX/Work"]
