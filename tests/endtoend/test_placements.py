"""What postroom itself placed is no arrival, whatever mailboxes are watched."""

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

NAMES = ("INBOX", "A", "B", "C", "D")
# Each rule moves on to the next mailbox, the last to the first: a rule that saw what
# another had done would go round for ever.
RULES = "".join(
    f"""
[[rule]]
name = "from {name}"
mailboxes = ["{name}"]
then = [ {{ mark = "read" }}, {{ move = "{NAMES[(place + 1) % len(NAMES)]}" }} ]
"""
    for place, name in enumerate(NAMES)
)


@pytest.fixture(
    scope="module",
    params=[
        None,
        "IMAP4rev1 IDLE UIDPLUS NAMESPACE",  # moves by steps
        "IMAP4rev1 IDLE MOVE NAMESPACE",  # and never tells where to
        "IMAP4rev1",
    ],
    ids=["all it has", "no MOVE", "no UIDPLUS", "nothing"],
)
def server(
    request: pytest.FixtureRequest, certificates: Certificates
) -> Iterator[DovecotServer]:
    """A Dovecot that can do more or less."""
    with running_dovecot(certificates, request.param) as dovecot:
        yield dovecot


def test_rules_that_move_in_a_ring_move_each_message_once(
    server: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """With five watched mailboxes over three connections."""
    user = server.new_user()
    server.create(user, *NAMES[1:])
    more = f'watch = {json.dumps(NAMES)}\npoll = "1s"\n'
    daemon = make_daemon(
        user, plain(sink), rules=RULES, more=more, imap=server.ports.imaps
    )
    daemon.start()
    daemon.wait_for("mailbox_watched", 2)
    daemon.wait_for("mailboxes_polled")
    for number in range(15):
        server.append(user, make_mail(number), NAMES[number % 5])
    daemon.wait_for("message_handled", 15)
    assert daemon.stop() == 0
    events = daemon.run_once()  # looks at every mailbox once more
    assert not [one for one in events if one["event"] == "message_handled"]
    there = observe(server.mailboxes(user))
    seen, marked = frozenset({"\\Seen"}), frozenset({"\\Seen", "\\Deleted"})
    moved = Counter({key: count for key, count in there.items() if key[2] == seen})
    assert moved == Counter((NAMES[(n + 1) % 5], n, seen) for n in range(15))
    # Without MOVE and UIDPLUS what was copied stays behind, marked.
    assert {key[2] for key in there} <= {seen, marked}
