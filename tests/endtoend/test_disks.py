"""Disks that are full, fail, are slow or can't be written: mail waits on its server.

A small disk is a tmpfs of its own, a failing or slow one is the work of strace.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon, with_options
from tests.endtoend.maildrops import PopHouse, in_the_clear
from tests.endtoend.oracle import expect, expect_forwards, make_mail, observe
from tests.endtoend.strace import why_not_strace
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

NO_STRACE = why_not_strace()
ROOM = "24m"
TRACED = pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE))
FORWARDED = next(n for n in range(9) if expect_forwards([n]))
SMALL = 'free_space = "8M"\n'
NONE = "free_space = 1\n"
FORWARDING = '[[rule]]\nname = "all"\nthen = [ { forward = "books@kept.test" } ]\n'
KEEPING = '[[rule]]\nname = "keep"\nthen = [ { flag = true } ]\n'


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk, which the state folder of a daemon is on."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "tmpfs", str(state)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield state
    subprocess.run(["umount", "-l", str(state)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Leave so many octets free; what fills it."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        while not _reserve(file.fileno(), _free(disk) - left):
            pass  # a daemon has written meanwhile
    return filler


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def _reserve(file: int, octets: int) -> bool:
    try:
        os.posix_fallocate(file, 0, octets)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    """A user with nine messages."""
    user = dovecot.new_user()
    dovecot.backlog(user, map(make_mail, range(9)))
    return user


def forwards(sink: RecordingSmtp) -> Counter[bytes]:
    """How often each message was sent."""
    return Counter(one.raw for one in sink.received)


def test_imap_waits_for_room_and_goes_on_by_itself(
    disk: Path,
    user: str,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(user, plain(sink), "process")
    with_options(daemon, SMALL)
    filler = fill(disk, 4 * 1024**2)
    daemon.start()
    (told,) = daemon.wait_for("disk_short")
    assert "less than 8M is free" in told["reason"]
    daemon.wait_for("mailbox_watched")
    assert "no mail is fetched" in daemon.command("status").stdout
    assert daemon.command("status", "--monitor").returncode == 1
    assert len(dovecot.mailboxes(user)["INBOX"]) == 9
    dovecot.deliver(user, make_mail(9))  # the push alone must not have it fetched
    filler.unlink()
    daemon.wait_for("disk_has_room")
    daemon.wait_for("message_handled", 10)
    assert daemon.stop() == 0
    assert daemon.command("run", "--once").returncode == 0
    assert "fetched" not in daemon.command("status").stdout
    assert observe(dovecot.mailboxes(user)) == expect(range(10))
    assert set(forwards(sink).values()) == {1}


def test_a_maildrop_keeps_its_mail_until_there_is_room(
    disk: Path, user: str, dovecot: DovecotServer, house: PopHouse
) -> None:
    daemon = house.daemon(in_the_clear(dovecot.ports.pop3), user=user, rules=KEEPING)
    with_options(daemon, SMALL)
    filler = fill(disk, 4 * 1024**2)
    done = daemon.command("run", "--once")
    assert done.returncode == 1
    assert "less than 8M is free" in done.stderr
    assert len(dovecot.mailboxes(user)["INBOX"]) == 9
    filler.unlink()
    daemon.run_once()
    assert sum(map(len, daemon.stored().values())) == 9
    assert dovecot.mailboxes(user)["INBOX"] == []


def test_what_was_decided_is_sent_though_nothing_is_fetched(
    disk: Path,
    user: str,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(user, plain(sink), "process")
    with_options(daemon, SMALL + "hold = true\n")
    daemon.run_once()
    assert sink.received == []
    dovecot.deliver(user, make_mail(9))
    fill(disk, 4 * 1024**2)
    text = daemon.settings.read_text()
    daemon.settings.write_text(text.replace("hold = true\n", ""))
    daemon.run_once(status=1)
    assert sink.received
    assert len(dovecot.mailboxes(user)["INBOX"]) >= 1


def test_a_store_on_a_full_disk_forgets_nothing_and_repeats_nothing(
    disk: Path,
    user: str,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    """The disk is full in the middle: nobody kept anything free."""
    daemon = make_daemon(user, plain(sink), "process")
    with_options(daemon, NONE)
    daemon.start()
    daemon.wait_for("message_handled", 9)
    filler = fill(disk, 32 * 1024)
    dovecot.backlog(user, map(make_mail, range(9, 309)))
    dovecot.deliver(user, make_mail(309))
    daemon.wait_for("store_unavailable")
    filler.unlink()
    daemon.wait_for("message_handled", 310)
    assert daemon.stop() == 0
    daemon.run_once()
    assert observe(dovecot.mailboxes(user)) == expect(range(310))
    assert set(forwards(sink).values()) == {1}
    assert len(sink.received) == expect_forwards(range(310)).total()


def test_a_full_disk_is_no_failure_of_the_relay_and_sending_goes_on_with_room(
    disk: Path,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
) -> None:
    """It is full when the delivery is begun, and what comes next must be recorded."""
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(FORWARDED)])
    # Nothing else is to be recorded while the disk is full.
    daemon = make_daemon(user, plain(sink), "process", rules=FORWARDING)
    with_options(daemon, NONE)
    watched = threading.Event()
    fillers: list[Path] = []

    def fill_up(recipient: str) -> None:
        sink.at_recipient = None
        assert watched.wait(30)
        filler = disk / "filler"
        fillers.append(filler)
        # Until nothing goes in any more: the daemon writes meanwhile.
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    sink.at_recipient = fill_up
    daemon.start()
    daemon.wait_for("mailbox_watched")
    watched.set()
    told = daemon.wait_for("store_unavailable")[0]
    assert "disk is full" in told["error"]
    assert sink.received == []
    fillers[0].unlink()
    daemon.wait_for("delivery_settled", patience=20)
    assert not [each for each in daemon.seen if each["event"] == "relay_failed"]
    assert daemon.stop() == 0
    assert list(forwards(sink).values()) == [1]
    assert "held" not in daemon.command("outbox", "list").stdout


# -- disks that fail -------------------------------------------------------------------


def run_traced(
    daemon: Daemon, inject: str, *options: str, only: str = "-q"
) -> tuple[int, str]:
    """Run the daemon under strace with this fault of the disk, in one place `only` or
    everywhere; its exit code, and what it told."""
    calls = "fdatasync,fsync"
    trace = ["strace", "-f", "-o", "/dev/null", only, "-e", f"trace={calls}"]
    done = subprocess.run(
        [*trace, "-e", f"inject={calls}:{inject}", *daemon.line(*options)],
        env={**os.environ, **daemon.environment},
        capture_output=True,
        text=True,
        timeout=110,
    )
    return done.returncode, done.stderr


@TRACED
@pytest.mark.parametrize("when", [1, 4])
def test_a_store_whose_disk_fails_ends_the_daemon_and_loses_nothing(
    user: str,
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    when: int,
) -> None:
    daemon = make_daemon(user, plain(sink), "process")
    daemon.run_once()
    dovecot.backlog(user, map(make_mail, range(9, 18)))
    wal = f"-P{daemon.folder / 'state' / 'postroom.db-wal'}"
    code, told = run_traced(daemon, f"error=EIO:when={when}", "run", only=wal)
    assert code == 1
    assert "the store can't be trusted any more" in told
    assert "SQLITE_IOERR_FSYNC" in told
    daemon.run_once()
    assert observe(dovecot.mailboxes(user)) == expect(range(18))
    sent = forwards(sink)
    # Past the final dot nobody knows: there a forward is sent again.
    assert len(sent) == expect_forwards(range(18)).total()
    assert sent.total() - len(sent) <= 1


@TRACED
def test_a_maildir_whose_disk_fails_leaves_its_mail_on_the_server(
    user: str, dovecot: DovecotServer, house: PopHouse
) -> None:
    daemon = house.daemon(in_the_clear(dovecot.ports.pop3), user=user, rules=KEEPING)
    daemon.visit()
    dovecot.backlog(user, map(make_mail, range(9, 12)))
    place = f"-P{daemon.maildir / 'new'}"
    code, told = run_traced(daemon, "error=EIO", "run", "--once", only=place)
    assert code == 1
    assert "the disk fails" in told
    assert len(dovecot.mailboxes(user)["INBOX"]) == 3
    daemon.run_once()
    assert sum(map(len, daemon.stored().values())) == 12
    assert dovecot.mailboxes(user)["INBOX"] == []


@TRACED
def test_a_slow_disk_takes_its_time_and_nothing_runs_out_of_it(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user, numbers = dovecot.new_user(), [FORWARDED]
    dovecot.backlog(user, map(make_mail, numbers))
    daemon = make_daemon(user, plain(sink), "process")
    code, told = run_traced(daemon, "delay_enter=2000000", "run", "--once")
    assert code == 0, told
    assert "retry_in" not in told
    assert observe(dovecot.mailboxes(user)) == expect(numbers)
    assert list(forwards(sink).values()) == [1]


def test_a_state_folder_that_can_not_be_written_is_refused(
    disk: Path, user: str, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon(user, plain(sink), "process")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = daemon.command("run")
    assert done.returncode == 78
    assert f"postroom.state: {disk} is on a disk that is mounted read-only" in (
        done.stderr
    )
