"""Mail that goes round between machines comes to its end, and nobody is flooded.

Two accounts of one daemon; a postman takes what was sent to the mailbox it is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon, Event
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

SECOND = """
[account.other]
address = "{address}"
password = "env:MAIL_PASSWORD"
imap = {{ host = "127.0.0.1", port = {port}, tls = "none" }}
smtp = {{ account = "home" }}
existing = "process"
"""
ANSWER = '[[rule]]\nname = "answer"\nthen = [ {{ reply = "We have it." }} ]\n'
PASS_ON = """
[[rule]]
name = "to the other"
accounts = ["home"]
then = [ {{ {way} = "{other}" }} ]

[[rule]]
name = "back again"
accounts = ["other"]
then = [ {{ {way} = "{home}" }} ]
"""
ANN = "ann@example.org"


@dataclass
class Round:
    """Two users, the daemon of both, and what is carried between them."""

    dovecot: DovecotServer
    sink: RecordingSmtp
    make: MakeDaemon

    def begin(self, rules: str) -> Daemon:
        """The daemon with these rules, in which `{home}` and `{other}` are the two."""
        users = self.dovecot.new_user(), self.dovecot.new_user()
        self.home, self.other = map(self.dovecot.address, users)
        self.users = dict(zip((self.home, self.other), users, strict=True))
        self.carried = 0
        text = rules.format(home=self.home, other=self.other, way="forward")
        port = self.dovecot.ports.imap
        more = SECOND.format(address=self.other, port=port)
        return self.make(users[0], plain(self.sink), "process", rules=text, more=more)

    def write(self, sender: str, to: str, *lines: str, number: int = 1) -> None:
        """Put a letter of this sender into the mailbox of `to`."""
        head = [
            f"Return-Path: <{sender}>",
            *(lines or (f"From: {sender}", f"To: {to}", "Subject: an order")),
            f"Message-ID: <{number}.{sender}>",
        ]
        raw = "\r\n".join([*head, "", "One, please.", ""]).encode()
        self.dovecot.backlog(self.users[to], [raw])

    def carry(self) -> int:
        """Deliver what was sent since, as a server does; how many that were."""
        new = self.sink.received[self.carried :]
        for each in new:
            raw = f"Return-Path: <{each.sender}>\r\n".encode() + each.raw
            for to in each.recipients:
                self.dovecot.backlog(self.users[to], [raw])
        self.carried += len(new)
        return len(new)

    def turn(self, daemon: Daemon) -> list[Event]:
        """Let it go round until nothing is sent any more; what was logged."""
        events = daemon.run_once()
        for _ in range(10):
            if not self.carry():
                return events
            events += daemon.run_once()
        raise AssertionError("it goes round for ever")

    def sent(self) -> Counter[Sequence[str]]:
        """How many messages went to whom."""
        return Counter(each.recipients for each in self.sink.received)


@pytest.fixture
def circle(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> Round:
    """Two accounts that know of each other."""
    return Round(dovecot, sink, make_daemon)


def test_two_that_answer_everything_answer_each_other_once(circle: Round) -> None:
    daemon = circle.begin(ANSWER)
    circle.write(circle.home, circle.other)
    circle.turn(daemon)
    assert circle.sent() == {(circle.home,): 1}, "an answer is not answered"
    circle.write(circle.other, circle.home)
    circle.turn(daemon)
    assert circle.sent() == {(circle.home,): 1, (circle.other,): 1}


@pytest.mark.parametrize("way", ["forward", "redirect"])
def test_what_two_pass_on_to_each_other_ends_where_it_was(
    circle: Round, way: str
) -> None:
    daemon = circle.begin(PASS_ON.replace("{way}", way))
    circle.write(ANN, circle.home)
    events = circle.turn(daemon)
    assert circle.sent() == {(circle.other,): 1}
    undone = [one["undone"] for one in events if one.get("undone")]
    assert len(undone) == 1
    assert f"{way}: refused: " in undone[0][0]
    assert len(circle.dovecot.mailboxes(circle.users[circle.other])["INBOX"]) == 1


def test_a_report_that_a_forward_failed_is_neither_answered_nor_passed_on(
    circle: Round,
) -> None:
    daemon = circle.begin(PASS_ON + ANSWER)
    circle.write(
        "",
        circle.home,
        "From: Mail Delivery System <mailer-daemon@example.org>",
        f"To: {circle.home}",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    )
    events = circle.turn(daemon)
    assert circle.sent() == {}
    (told,) = [one["undone"] for one in events if one["event"] == "message_handled"]
    assert told[0] == "forward: refused: it is a bounce"
    assert len(circle.dovecot.mailboxes(circle.users[circle.home])["INBOX"]) == 1


def test_a_flood_of_one_sender_is_answered_once_and_holds_up_no_other_account(
    circle: Round,
) -> None:
    daemon = circle.begin(ANSWER)
    flood = [
        f"Return-Path: <{ANN}>\r\nFrom: {ANN}\r\nTo: {circle.home}\r\n"
        f"Message-ID: <{number}@flood>\r\n\r\n{number}\r\n".encode()
        for number in range(1500)
    ]
    circle.dovecot.backlog(circle.users[circle.home], flood)
    circle.write("bob@example.org", circle.other)
    handled = [
        event["account"]
        for event in daemon.run_once()
        if event["event"] == "message_handled"
    ]
    assert Counter(handled) == {"home": 1500, "other": 1}
    assert handled.index("other") < 1000
    assert circle.sent() == {(ANN,): 1, ("bob@example.org",): 1}
