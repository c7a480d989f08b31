"""Mail in over IMAP, through rules, out over SMTP: exactly as the oracle says."""

from __future__ import annotations

from collections import Counter

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.oracle import (
    KINDS,
    expect,
    expect_forwards,
    make_mail,
    observe,
    read_forward,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.postfix import PostfixServer
from tests.servers.reading import checked
from tests.servers.sink import RecordingSmtp

ALL = range(2 * len(KINDS))


def test_mail_that_arrives_while_idle_is_held_is_handled(
    dovecot: DovecotServer,
    postfix: PostfixServer,
    certificates: Certificates,
    make_daemon: MakeDaemon,
) -> None:
    """One by one, each pushed by Dovecot over TLS; the forwards through Postfix."""
    user = dovecot.new_user()
    before = Counter(one.recipient for one in postfix.delivered())["books@kept.test"]
    smtp = f'port = {postfix.tls_port}, ca = "{certificates.authority}"'
    daemon = make_daemon(user, smtp)
    dovecot.record(user)
    daemon.start()
    daemon.wait_for("mailbox_watched")
    for number in ALL:
        dovecot.deliver(user, make_mail(number))
        daemon.wait_for("message_handled", number + 1)
    forwards = expect_forwards(ALL)
    daemon.wait_for("delivery_settled", forwards.total())
    assert daemon.stop() == 0
    assert sum(line == "IDLE" for line in dovecot.commands(user)) > 1
    assert observe(dovecot.mailboxes(user)) == expect(ALL)
    sent = postfix.wait_for("books@kept.test", before + forwards.total())
    kept = [one.raw.replace(b"\n", b"\r\n") for one in sent]
    assert Counter(map(read_forward, kept)) >= forwards


def test_a_backlog_of_2000_messages_is_handled_at_once(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """`run --once`; one FETCH of headers a batch, one MOVE a target and batch, and
    bodies only of messages whose headers left the rules undecided."""
    user, numbers = dovecot.new_user(), range(2000)
    dovecot.backlog(user, map(make_mail, numbers))
    daemon = make_daemon(user, plain(sink), "process")
    dovecot.record(user)
    daemon.run_once()
    commands = dovecot.commands(user)
    assert observe(dovecot.mailboxes(user)) == expect(numbers)
    contents = [one.raw for one in sink.received]
    assert Counter(map(read_forward, contents)) == expect_forwards(numbers)

    batches = 4  # 250, 500, 1000, 250
    headers = [line for line in commands if "BODY.PEEK[HEADER]" in line]
    assert len(headers) == batches
    for target in ("Lists/python", "Rechnungen f&APw-r 2026", "Trash"):
        moves = [line for line in commands if line.startswith("UID MOVE")]
        aimed = [line for line in moves if line.endswith(f'"{target}"')]
        assert len(aimed) == batches + 1, target  # the first finds it absent
    bodies = [line for line in commands if line.endswith("BODY.PEEK[])")]
    assert len(bodies) == batches
    needed = {n + 1 for n in numbers if KINDS[n % len(KINDS)].needs_body}
    assert {uid for line in bodies for uid in expand(line.split()[2])} == needed
    assert not [line for line in commands if line == "EXPUNGE"]


def test_running_again_does_nothing_again(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, ALL))
    daemon = make_daemon(user, plain(sink), "process")
    daemon.run_once()
    first, sent = dovecot.mailboxes(user), len(sink.received)
    events = daemon.run_once()
    assert not [one for one in events if one["event"] == "message_handled"]
    assert dovecot.mailboxes(user) == first
    assert len(sink.received) == sent


def test_mail_that_was_there_before_is_left_alone(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, range(5)))
    daemon = make_daemon(user, plain(sink))
    daemon.run_once()
    dovecot.deliver(user, make_mail(9))
    daemon.run_once()
    left = {("INBOX", number, frozenset[str]()): 1 for number in range(5)}
    assert observe(dovecot.mailboxes(user)) == Counter(left) + expect([9])
    assert sink.received == []


def test_what_a_person_puts_back_stays(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(1)])
    daemon = make_daemon(user, plain(sink), "process")
    daemon.run_once()
    with dovecot.client(user) as client:
        client.select('"Rechnungen f&APw-r 2026"')
        checked(client.uid("MOVE", "1", "INBOX"))
    daemon.run_once()
    assert observe(dovecot.mailboxes(user)) == {("INBOX", 1, frozenset()): 1}
    assert len(sink.received) == 1


def test_what_rules_move_into_a_watched_mailbox_is_no_arrival_there(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    rules = """
    [[rule]]
    name = "sort"
    mailboxes = ["INBOX"]
    then = [ { move = "Work" } ]

    [[rule]]
    name = "tidy"
    mailboxes = ["Work"]
    then = [ { move = "Old" } ]
    """
    user = dovecot.new_user()
    dovecot.create(user, "Work")
    more = 'watch = ["INBOX", "Work"]\n'
    daemon = make_daemon(user, plain(sink), rules=rules, more=more)
    daemon.start()
    daemon.wait_for("mailbox_watched", 2)
    for number in range(3):
        dovecot.deliver(user, make_mail(number))
    dovecot.append(user, make_mail(3), "Work")
    daemon.wait_for("message_handled", 4)
    assert daemon.stop() == 0
    daemon.run_once()  # looks at Work once more
    places = {number: name for name, number, _ in observe(dovecot.mailboxes(user))}
    assert places == {0: "Work", 1: "Work", 2: "Work", 3: "Old"}


def plain(sink: RecordingSmtp) -> str:
    """The settings of a recording server without TLS."""
    return f'port = {sink.port}, tls = "none", auth = false'


def expand(uids: str) -> set[int]:
    """The numbers of a UID set."""
    ends = (part.partition(":") for part in uids.split(","))
    return {uid for a, _, b in ends for uid in range(int(a), int(b or a) + 1)}
