"""Killed behind any IMAP command, its answer unheard: all is done once in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from signal import SIGKILL

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.test_main_job import plain
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.killing import killing_behind
from tests.servers.reading import checked
from tests.servers.sink import RecordingSmtp

NEWEST = "IMAP4rev1 IDLE UIDPLUS MOVE"
MIDDLE = "IMAP4rev1 IDLE UIDPLUS"
OLDEST = "IMAP4rev1 IDLE"
RULES = """
[[rule]]
name = "move"
when.subject = "move"
then = [ { mark = "read" }, { move = "There" } ]

[[rule]]
name = "copy"
when.subject = "copy"
then = [ { copy = "There" }, { flag = true } ]

[[rule]]
name = "delete"
when.subject = "delete"
then = [ { delete = "forever" } ]
"""
POINTS = [
    (NEWEST, "SELECT"),
    (NEWEST, "UID SEARCH"),
    (NEWEST, "UID FETCH"),
    (NEWEST, "UID STORE"),
    (NEWEST, "UID COPY"),
    (NEWEST, "UID MOVE"),
    (NEWEST, "UID EXPUNGE"),
    (MIDDLE, "UID COPY 3:4"),
    (MIDDLE, "UID COPY 1:2"),
    (MIDDLE, "UID STORE 1:2 +FLAGS.SILENT"),
    (MIDDLE, "UID EXPUNGE 1:2"),
    (OLDEST, "UID COPY 1:2"),
    (OLDEST, "UID STORE 1:2 +FLAGS.SILENT"),
]
PLAINLY = """
[[rule]]
name = "move"
when.subject = "move"
then = [ { move = "There" } ]

[[rule]]
name = "copy"
when.subject = "copy"
then = [ { copy = "There" } ]
"""


@pytest.fixture(scope="module")
def servers(
    certificates: Certificates,
    dovecot: DovecotServer,  # it skips where there is none
) -> Iterator[dict[str, DovecotServer]]:
    """Dovecots that can do more and less, by what they announce."""
    with (
        running_dovecot(certificates, NEWEST) as newest,
        running_dovecot(certificates, MIDDLE) as middle,
        running_dovecot(certificates, OLDEST) as oldest,
    ):
        yield {NEWEST: newest, MIDDLE: middle, OLDEST: oldest}


def letter(number: int, kind: str) -> bytes:
    """A message for the rule of this kind."""
    return (
        f"From: ann@example.org\r\nSubject: {kind} {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\n\r\nHello {number}.\r\n"
    ).encode()


def reach(daemon: Daemon, port: int) -> None:
    """Have the daemon reach its server in the clear, at this port."""
    lines = daemon.settings.read_text().splitlines()
    clear = f'imap = {{ host = "127.0.0.1", port = {port}, tls = "none" }}'
    text = (clear if line.startswith("imap = ") else line for line in lines)
    daemon.settings.write_text("\n".join(text))


@pytest.mark.parametrize(("able", "command"), POINTS)
def test_killed_behind_any_command_all_is_done_once_in_the_end(
    servers: dict[str, DovecotServer],
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    able: str,
    command: str,
) -> None:
    server = servers[able]
    user = server.new_user()
    server.create(user, "There")
    kinds = ["move", "move", "copy", "copy", "delete"]
    server.backlog(user, (letter(n, kind) for n, kind in enumerate(kinds)))
    daemon = make_daemon(user, plain(sink), "process", rules=RULES)
    with killing_behind(command.encode(), server.ports.imap, daemon.kill) as proxy:
        reach(daemon, proxy.port)
        daemon.start("--once")
        assert proxy.done.wait(30), f"nobody said {command}"
        # Without UIDPLUS nothing is removed for good, and that is told.
        daemon.run_once(status=1 if able == OLDEST else 0)
        found = server.mailboxes(user)
    there = Counter(each.raw for each in found["There"])
    assert there == Counter(letter(number, kinds[number]) for number in range(4))
    left = {
        each.raw: each.flags for each in found["INBOX"] if "\\Deleted" not in each.flags
    }
    kept = {letter(2, "copy"), letter(3, "copy")}
    assert kept <= left.keys()
    assert left.keys() - kept == ({letter(4, "delete")} if able == OLDEST else set())
    assert all("\\Flagged" in left[raw] for raw in kept)
    assert all("\\Seen" in each.flags for each in found["There"] if b"move" in each.raw)


@pytest.mark.parametrize("able", [MIDDLE, OLDEST])
@pytest.mark.parametrize("point", ["C8", "C8:2"])
def test_a_twin_that_lay_in_the_target_is_not_taken_for_what_a_kill_left(
    servers: dict[str, DovecotServer],
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    monkeypatch: pytest.MonkeyPatch,
    able: str,
    point: str,
) -> None:
    """Killed when a copy, or a move by steps, was begun and nothing had been copied."""
    server = servers[able]
    user = server.new_user()
    server.create(user, "There")
    letters = [letter(0, "copy"), letter(1, "move")]
    server.backlog(user, letters)
    with server.client(user) as client:
        checked(client.select("INBOX"))
        checked(client.copy("1:2", "There"))
    daemon = make_daemon(user, plain(sink), "process", rules=PLAINLY)
    reach(daemon, server.ports.imap)
    text = daemon.settings.read_text()
    allowed = text.replace("[postroom]", "[postroom]\nfailpoints = true", 1)
    daemon.settings.write_text(allowed)
    monkeypatch.setenv("POSTROOM_FAILPOINT", point)
    daemon.run_once(status=-SIGKILL)
    monkeypatch.delenv("POSTROOM_FAILPOINT")
    daemon.run_once()
    found = server.mailboxes(user)
    assert Counter(each.raw for each in found["There"]) == Counter(letters * 2)
    left = [each.raw for each in found["INBOX"] if "\\Deleted" not in each.flags]
    assert left == [letters[0]]
