"""A disk that is full, read-only or not ours: said in words, and nothing half-done."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postroom.errors import LocalTrouble, MaildirUnavailable
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.maildir import Maildir
from tests.transport.maildir.letters import (
    RECEIVED,
    letter,
    letters,
    mailbox,
    octets,
    prepared,
    raw,
)


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A small file system of its own."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    tried = subprocess.run(command, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"mounting is not allowed here: {tried.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    root = tmp_path / "small"
    with mounted(root, "size=1m"):
        maildir = prepared(root)
        maildir.put(letters([1, 2]))
        big = b"Subject: big\r\n\r\n" + b"x" * 900_000
        with pytest.raises(MaildirUnavailable, match="the disk is full") as raised:
            maildir.put([letter(3), letter(4, big), letter(5, big), letter(6)])
        assert isinstance(raised.value, LocalTrouble)
        assert str(root) in str(raised.value)
        draft = maildir.draft()
        draft.write(big)
        with pytest.raises(MaildirUnavailable, match="the disk is full"):
            draft.write(big)
        assert octets(root) == [raw("1"), raw("2")]
        assert list((root / "tmp").iterdir()) == []
        maildir.put([letter(4, big)])  # there is room for one
        assert len(octets(root)) == 3


def test_a_disk_without_room_for_a_file_is_told(tmp_path: Path) -> None:
    root = tmp_path / "small"
    with mounted(root, "size=1m,nr_inodes=9"):
        maildir = prepared(root)
        with pytest.raises(MaildirUnavailable, match="the disk is full"):
            maildir.put(letters(range(1, 20)))
        assert octets(root) == []
        with pytest.raises(MaildirUnavailable, match="the disk is full"):
            maildir.put([letter(1)], "Old")
        assert list((root / "tmp").iterdir()) == []


def test_a_maildir_that_is_read_only_is_told_and_still_read(tmp_path: Path) -> None:
    root = tmp_path / "small"

    async def main(maildir: Maildir) -> None:
        inbox = mailbox(maildir)
        assert await inbox.contents([1]) == {1: raw("1")}
        seen = SetFlags(frozenset({"\\Seen"}))
        refused: list[Callable[[], Awaitable[object]]] = [
            lambda: inbox.move([1], "Old"),
            lambda: inbox.copy([1], "New"),
            lambda: inbox.set_flags([1], seen),
            lambda: inbox.expunge([1]),
        ]
        for ask in refused:
            with pytest.raises(MaildirUnavailable, match="mounted read-only"):
                await ask()

    with mounted(root, "size=1m"):
        maildir = prepared(root)
        maildir.put([letter(1)])
        maildir.put([letter(2)], "Old")
        command = ["mount", "-o", "remount,ro", str(root)]
        subprocess.run(command, check=True)
        with pytest.raises(MaildirUnavailable, match="mounted read-only"):
            maildir.put([letter(3)])
        with pytest.raises(MaildirUnavailable, match="mounted read-only"):
            maildir.draft()
        asyncio.run(main(maildir))
        assert octets(root) == [raw("1")]
        assert maildir.folders() == ["INBOX", "Old"]


def test_a_maildir_that_may_not_be_used_is_told(tmp_path: Path) -> None:
    maildir = prepared(tmp_path / "m")
    (tmp_path / "m").chmod(0o500)
    tmp_path.chmod(0o755)
    (tmp_path / "m" / "tmp").chmod(0o500)
    with _stranger(tmp_path / "m"):
        for use in (
            lambda: maildir.put([letter(1)]),
            lambda: maildir.put([letter(1)], "Old"),
            maildir.draft,
        ):
            with pytest.raises(MaildirUnavailable, match="no leave"):
                use()


@contextmanager
def _stranger(owned: Path) -> Iterator[None]:
    """Not as root, who may do everything."""
    if os.geteuid():
        yield
        return
    for each in (owned, *owned.iterdir()):
        os.chown(each, 22999, 22999)
    for above in owned.parents[:4]:
        if not above.stat().st_mode & 0o001:
            above.chmod(0o711)
    os.seteuid(22999)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("missing", ["", "new", "tmp"])
def test_a_maildir_that_is_not_there_is_told(tmp_path: Path, missing: str) -> None:
    root = tmp_path / "m"
    maildir = prepared(root)
    (root / missing if missing else root).rename(tmp_path / "away")
    with pytest.raises(MaildirUnavailable, match=r"m can't be used now.*not there"):
        maildir.put([letter(1)])


def test_a_root_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    with pytest.raises(MaildirUnavailable, match="Not a directory"):
        prepared(tmp_path / "m")


def test_a_draft_that_fails_late_leaves_nothing(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    draft = maildir.draft()
    draft.write(raw("1"))
    (tmp_path / "new").rename(tmp_path / "away")
    with pytest.raises(MaildirUnavailable):
        draft.deliver(letter(1).base, RECEIVED)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
