"""Octets that no mail should have, and disks that take none: all of it, or none of it.

When the trouble is over the next visit finishes the work.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.endtoend.daemon import with_options
from tests.endtoend.maildrops import PopDaemon, PopHouse, in_the_clear
from tests.servers.maildir import drafts_in
from tests.servers.maildrop import Letter, Maildrop

MIB = 1024 * 1024
HEAD = b"From: ann@friends.example\r\nSubject: odd\r\nMessage-ID: <odd@tests>\r\n\r\n"
# `HUGE_MESSAGE` asks for one of so many MiB.
HUGE = int(os.environ.get("HUGE_MESSAGE", 60))

ODD = {
    "lines of 1 MiB": HEAD + b"x" * MIB + b"\r\n" + b"." * MIB + b"\r\nend\r\n",
    "bare LF": HEAD + b"one\ntwo\n.\n..\nthree\r\n",
    "bare CR": HEAD + b"one\rtwo\r\r\n.\r\r\n\r.\r\n",
    "NUL": HEAD + b"\0\0one\0\r\n\0\r\n",
    "8 bits": HEAD + bytes(range(128, 256)) + b"\r\n",
    "LF alone in the header": b"From: a@b.example\nSubject: odd\n\nbody\n\r\n",
    "no header": b"\r\n\r\n\r\n",
    "no blank line": b"Subject: odd\r\n",
    "dots": HEAD + b".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n",
}


def files_of(daemon: PopDaemon) -> list[bytes]:
    """What the files of INBOX hold, as they are; half-written there is nothing."""
    assert drafts_in(daemon.maildir) == []
    paths = [*daemon.maildir.glob("new/*"), *daemon.maildir.glob("cur/*")]
    return sorted(path.read_bytes() for path in paths)


def lines_as_on_disk(raw: bytes) -> bytes:
    """A message as a Maildir has it."""
    return raw.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("name", ODD)
def test_odd_octets_are_those_that_were_sent(
    house: PopHouse, maildrop: Maildrop, name: str
) -> None:
    maildrop.put(ODD[name])
    daemon = house.daemon(in_the_clear(maildrop.port), rules="")
    assert daemon.visit() == ()
    assert files_of(daemon) == [lines_as_on_disk(ODD[name])]
    assert maildrop.letters == []


def test_a_missing_line_end_at_the_end_is_that_of_the_final_dot(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """RFC 1939, section 3: what is sent ends with CRLF, whatever was stored there."""
    maildrop.put(HEAD + b"no end")
    daemon = house.daemon(in_the_clear(maildrop.port), rules="")
    assert daemon.visit() == ()
    assert files_of(daemon) == [lines_as_on_disk(HEAD + b"no end\r\n")]


def test_a_huge_message_goes_to_the_disk_and_not_into_memory(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """`postroom run --once` of a message above `max_size`, and of none."""
    daemon = house.daemon(in_the_clear(maildrop.port), rules="")
    rest = _peak_of(daemon)
    line = b"x" * 998 + b"\r\n"
    maildrop.letters = [Letter("huge", (HEAD, *[line * 1049] * HUGE))]
    size = maildrop.letters[0].size
    peak = _peak_of(daemon)
    print(f"{size / MIB:.0f} MiB: {rest / MIB:.0f} MiB at rest, {peak / MIB:.0f} then")
    assert peak < rest + 24 * MIB
    (path,) = daemon.maildir.glob("new/*")
    assert path.stat().st_size == size - (size - len(HEAD)) // 1000 - HEAD.count(b"\n")
    assert maildrop.letters == []


def _peak_of(daemon: PopDaemon) -> int:
    """The most memory that one run of the program has held."""
    with daemon.once() as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert isinstance(usage, resource.struct_rusage)
    return usage.ru_maxrss * 1024


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A file system in memory at this place until the end of the block."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not allowed: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Change how it is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def test_a_full_disk_stops_nothing_for_good_and_leaves_nothing_half_written(
    house: PopHouse, maildrop: Maildrop, tmp_path: Path
) -> None:
    raws = [HEAD + b"%d\r\n" % number + b"x" * 300_000 + b"\r\n" for number in range(8)]
    maildrop.put(*raws)
    place = tmp_path / "disk"
    with mounted(place, "size=1m"):
        more = f'maildir = "{place}/mail"'
        daemon = house.daemon(in_the_clear(maildrop.port), more, rules="")
        with_options(daemon, "free_space = 1\n")
        assert any("the disk is full" in failure for failure in daemon.visit())
        assert "the disk is full" in daemon.command("status").stdout
        # What is not here is still there.
        here = _files_below(place / "mail")
        assert {each.pieces[0] for each in maildrop.letters} | here >= set(raws)
        assert here <= set(raws)
        remount(place, "size=8m")
        for _ in range(2):
            assert daemon.visit() == ()
        assert _files_below(place / "mail") == set(raws)
        assert maildrop.letters == []


def test_a_maildir_that_is_read_only_is_told_and_used_again_later(
    house: PopHouse, maildrop: Maildrop, tmp_path: Path
) -> None:
    place = tmp_path / "disk"
    with mounted(place, "size=1m"):
        more = f'maildir = "{place}/mail"'
        daemon = house.daemon(in_the_clear(maildrop.port), more, rules="")
        with_options(daemon, "free_space = 1\n")
        assert daemon.visit() == ()
        maildrop.put(HEAD + b"late\r\n")
        remount(place, "ro")
        assert any("read-only" in failure for failure in daemon.visit())
        assert "read-only" in daemon.command("status").stdout
        assert len(maildrop.letters) == 1
        remount(place, "rw")
        assert daemon.visit() == ()
        assert _files_below(place / "mail") == {HEAD + b"late\r\n"}
        assert maildrop.letters == []


def _files_below(root: Path) -> set[bytes]:
    """The messages in a Maildir, as they were sent; half-written there is nothing."""
    assert drafts_in(root) == []
    paths = [*root.glob("new/*"), *root.glob("cur/*")]
    return {path.read_bytes().replace(b"\n", b"\r\n") for path in paths}
