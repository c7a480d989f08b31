"""What ends the program whenever it is begun is not begun for ever, but put aside."""

from __future__ import annotations

import json
import signal
import socket
from typing import Any

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import LOOPBACK
from tests.servers.sink import RecordingSmtp

POISON = 1
PLUGIN = """
import os, signal
from postroom import Action, Condition, Perform, hookimpl

class Deadly(Condition):
    \"\"\"Ends the program at the sight of one subject.\"\"\"
    depth = "headers"

    def holds(self, message):
        if message.subject == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return False

class Bury(Action):
    \"\"\"Ends the program when it is to act on one subject.\"\"\"
    depth = "headers"

    def effects(self, message):
        yield Perform(message.subject)

    async def perform(self, payload, services):
        if payload == "poison":
            os.kill(os.getpid(), signal.SIGKILL)

@hookimpl
def register_conditions(register):
    register("deadly", Deadly)

@hookimpl
def register_actions(register):
    register("bury", Bury)
"""


def letter(number: int) -> bytes:
    """A message, of which that of one number is the poison."""
    subject = "poison" if number == POISON else f"harmless {number}"
    return (
        f"From: ann@example.org\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number}@example.org>\r\n\r\nHello {number}.\r\n"
    ).encode()


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    """A user with three messages, the middle one of which is poison."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(letter, range(3)))
    return user


def rule(then: str, when: str = "") -> str:
    """A rule file with one rule."""
    return f'[[rule]]\nname = "it"\n{when}\nthen = [ {then} ]\n'


def with_plugin(daemon: Daemon) -> Daemon:
    """The daemon with the deadly plugin beside its settings."""
    folder = daemon.folder / "plugins"
    folder.mkdir()
    (folder / "deadly.py").write_text(PLUGIN)
    return daemon


def die(daemon: Daemon, times: int = 3) -> None:
    """Start it so often; each time it is killed."""
    for _ in range(times):
        daemon.start("--once")
        assert daemon.process is not None
        assert daemon.process.wait(60) == -signal.SIGKILL


def told(daemon: Daemon, *command: str) -> Any:  # noqa: ANN401 - whatever JSON says
    """What a command tells programs."""
    done = daemon.command(*command, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_message_that_ends_the_program_at_deciding_is_quarantined(
    user: str, sink: RecordingSmtp, make_daemon: MakeDaemon, dovecot: DovecotServer
) -> None:
    rules = rule("{ flag = true }", "when.deadly = true") + (
        '[[rule]]\nname = "all"\nthen = [ { forward = "books@kept.test" } ]\n'
    )
    daemon = with_plugin(make_daemon(user, plain(sink), "process", rules=rules))
    die(daemon)
    daemon.run_once(status=1)
    (found,) = told(daemon, "quarantine", "list")
    assert found["message_id"] == f"<{POISON}@example.org>"
    shown = told(daemon, "quarantine", "show", str(found["id"]))
    assert (shown["stage"], shown["attempts"]) == ("deciding", 3)
    assert "begun 3 times and never ended" in shown["reason"]
    assert len(sink.received) == 2, "each of the others went out once"
    assert len(dovecot.mailboxes(user)["INBOX"]) == 3


def test_a_perform_that_ends_the_program_is_held(
    user: str, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    rules = rule("{ bury = true }")
    daemon = with_plugin(make_daemon(user, plain(sink), "process", rules=rules))
    die(daemon)
    events = daemon.run_once(status=1)
    (held,) = [each for each in events if each["event"] == "perform_held"]
    assert held["error"] == "it was begun 3 times and never ended"
    (found,) = told(daemon, "quarantine", "list")
    assert (found["stage"], found["attempts"]) == ("performing", 3)
    assert "begun 3 times" in daemon.command("status").stdout
    (done,) = [each for each in events if each["event"] == "performed"]
    assert done["uid"] == 3, "the first was done before"


def test_a_move_that_ends_the_program_is_held_and_others_are_made(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "There")
    dovecot.backlog(user, [letter(POISON)])
    rules = rule('{ move = "There" }')
    daemon = make_daemon(user, plain(sink), "process", rules=rules)
    text = daemon.settings.read_text()
    daemon.settings.write_text(
        text.replace("[postroom]\n", "[postroom]\nfailpoints = true\n")
    )
    environment = daemon.environment
    daemon.environment = {**environment, "POSTROOM_FAILPOINT": "C8"}
    die(daemon)
    daemon.environment = environment
    dovecot.deliver(user, letter(2))
    events = daemon.run_once(status=1)
    (held,) = [each for each in events if each["event"] == "effect_held"]
    assert held["detail"] == "it was begun 3 times and never ended"
    assert "begun 3 times" in daemon.command("status").stdout
    found = dovecot.mailboxes(user)
    assert [b"poison" in each.raw for each in found["INBOX"]] == [True]
    assert [b"harmless" in each.raw for each in found["There"]] == [True]
    (put_aside,) = told(daemon, "quarantine", "list")
    assert put_aside["message_id"] == f"<{POISON}@example.org>"
    shown = told(daemon, "quarantine", "show", str(put_aside["id"]))
    assert (shown["stage"], shown["attempts"]) == ("moving", 3)
    released = daemon.command("quarantine", "release", str(put_aside["id"]))
    assert released.returncode == 0, released.stderr
    assert told(daemon, "quarantine", "list") == []
    daemon.run_once()
    found = dovecot.mailboxes(user)
    assert (len(found["INBOX"]), len(found["There"])) == (0, 2)


def test_a_delivery_that_ends_the_program_is_held_until_its_owner_retries_it(
    user: str, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    rules = rule('{ forward = "books@kept.test" }', "when.subject = 'harmless'") + (
        '[[rule]]\nname = "poison"\nwhen.subject = "poison"\n'
        'then = [ { forward = "poison@kept.test" } ]\n'
    )
    daemon = make_daemon(user, plain(sink), "process", rules=rules)

    def kill_at_poison(recipient: str) -> None:
        if recipient == "poison@kept.test":
            daemon.kill()

    sink.at_recipient = kill_at_poison
    die(daemon)
    daemon.run_once(status=1)
    assert {each.recipients[0] for each in sink.received} == {"books@kept.test"}
    assert len(sink.received) == 2
    (held,) = [
        each for each in told(daemon, "outbox", "list") if each["state"] == "held"
    ]
    assert (held["recipient"], held["attempts"]) == ("poison@kept.test", 3)
    assert "begun 3 times and never ended" in held["reply"]
    sink.at_recipient = None
    assert daemon.command("outbox", "retry", str(held["id"])).returncode == 0
    daemon.run_once()
    assert len(sink.received) == 3


def test_a_delivery_that_ends_the_program_at_its_dot_is_held(
    user: str, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    rules = rule('{ forward = "books@kept.test" }', "when.subject = 'harmless'") + (
        '[[rule]]\nname = "poison"\nwhen.subject = "poison"\n'
        'then = [ { forward = "poison@kept.test" } ]\n'
    )
    daemon = make_daemon(user, plain(sink), "process", rules=rules)

    def kill_at_next_dot(recipient: str) -> None:
        if recipient == "poison@kept.test":
            sink.at_dot = lambda _: daemon.kill()

    sink.at_recipient = kill_at_next_dot
    die(daemon)
    daemon.run_once(status=1)
    assert [each.recipients[0] for each in sink.received] == ["books@kept.test"] * 2
    (held,) = [
        each for each in told(daemon, "outbox", "list") if each["state"] == "held"
    ]
    assert (held["recipient"], held["attempts"]) == ("poison@kept.test", 3)


def test_a_daemon_restarted_in_a_long_connect_holds_nothing(
    user: str, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    """Its owner stops it while a relay says nothing, again and again."""
    rules = rule('{ forward = "books@kept.test" }')
    with socket.create_server((LOOPBACK, 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        away = f'port = {port}, tls = "none", auth = false'
        daemon = make_daemon(user, away, "process", rules=rules)
        for _ in range(4):
            daemon.start()
            with silent.accept()[0]:
                assert daemon.stop() == 0
    found = told(daemon, "outbox", "list")
    assert {(each["state"], each["attempts"]) for each in found} == {("queued", 0)}
    settings = daemon.settings.read_text()
    daemon.settings.write_text(settings.replace(away, plain(sink)))
    daemon.run_once()
    assert len(sink.received) == 3
