"""What is saved stays below the folder its owner named, whole, and beside what is."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postroom.config.ownplaces import OwnPlaces
from postroom.errors import PermanentError, TemporaryError
from postroom.mail.filenames import clean_file_name, clean_folder_name
from postroom.service.places import LocalPlaces, Usage
from tests.builders import NOW
from tests.service.dying_saver import CONTENT
from tests.store.programs import running

MIB = 1024**2


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "srv" / "invoices"


def save(
    top: Path,
    content: bytes = b"it",
    name: str = "bill.pdf",
    levels: tuple[str, ...] = ("2026",),
    quota: int | None = None,
    places: LocalPlaces | None = None,
) -> str:
    """Save it; the path, seen from the folder."""
    places = places or LocalPlaces(0o077, "key")
    path = asyncio.run(places.write(str(top), levels, name, content, quota))
    return str(Path(path).relative_to(top))


def deliver(maildir: Path, content: bytes, key: str = "key", **more: int) -> None:
    places = LocalPlaces(0o077, key)
    asyncio.run(places.deliver(str(maildir), "A/B", content, NOW, **more))


def saved(top: Path) -> dict[str, bytes]:
    """Every file below the folder."""
    files = (path for path in top.rglob("*") if not path.is_dir())
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def test_another_of_that_name_gets_a_number_and_the_same_one_none(top: Path) -> None:
    assert save(top, b"one") == "2026/bill.pdf"
    assert save(top, b"two") == "2026/bill (2).pdf"
    assert save(top, b"three") == "2026/bill (3).pdf"
    assert save(top, b"two") == "2026/bill (2).pdf"
    assert saved(top) == {
        "2026/bill.pdf": b"one",
        "2026/bill (2).pdf": b"two",
        "2026/bill (3).pdf": b"three",
    }


@pytest.mark.parametrize("place", [0, MIB - 1, MIB, 2 * MIB + 9])
def test_large_ones_are_compared_to_their_end(top: Path, place: int) -> None:
    content = bytearray(2 * MIB + 10)
    save(top, bytes(content))
    assert save(top, bytes(content)) == "2026/bill.pdf"
    content[place] = 1
    assert save(top, bytes(content)) == "2026/bill (2).pdf"


def test_what_was_there_before_is_not_touched(top: Path) -> None:
    (top / "2026" / "bill.pdf").mkdir(parents=True)
    os.mkfifo(top / "2026" / "bill (2).pdf")
    assert save(top) == "2026/bill (3).pdf"


def test_one_that_comes_meanwhile_keeps_its_name(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def after_another(new: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        monkeypatch.setattr(os, "link", link)
        save(top, b"theirs")
        link(new, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", after_another)
    assert save(top, b"ours") == "2026/bill (2).pdf"
    assert saved(top) == {"2026/bill.pdf": b"theirs", "2026/bill (2).pdf": b"ours"}


def test_what_is_made_has_the_modes_that_the_umask_leaves(top: Path) -> None:
    os.umask(0o77)
    save(top, places=LocalPlaces(0o027, "key"))
    os.umask(0o22)
    made = [top.parent, top, top / "2026", top / "2026" / "bill.pdf"]
    assert [each.stat().st_mode & 0o777 for each in made] == [0o750] * 3 + [0o640]


def test_it_is_on_disk_before_it_has_its_name_and_then_the_name_is(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, link = os.fsync, os.link

    def note_sync(number: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        order.append("folder" if is_folder else "file")
        sync(number)

    def note_link(new: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        order.append("link")
        link(new, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    save(top, b"one")
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "link", note_link)
    save(top, b"two")
    assert order == ["file", "link", "folder"]


def test_a_folder_of_a_group_stays_one(top: Path) -> None:
    top.mkdir(parents=True)
    top.chmod(0o2770)
    save(top)
    assert (top / "2026").stat().st_mode & 0o7777 == 0o2700
    assert top.stat().st_mode & 0o7777 == 0o2770


@pytest.mark.parametrize("link", ["level", "file", "dangling", "number"])
def test_no_symbolic_link_below_the_folder_is_followed(
    top: Path, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bill.pdf").write_bytes(b"it")
    if link == "level":
        top.mkdir(parents=True)
        (top / "2026").symlink_to(outside)
        with pytest.raises(PermanentError, match="Not a directory"):
            save(top, b"new")
    else:
        (top / "2026").mkdir(parents=True)
        target = outside / ("absent" if link == "dangling" else "bill.pdf")
        names = ["bill.pdf", "bill (2).pdf"][: 2 if link == "number" else 1]
        for name in names:
            (top / "2026" / name).symlink_to(target)
        assert save(top) == f"2026/bill ({len(names) + 1}).pdf"
    assert saved(outside) == {"bill.pdf": b"it"}


def test_the_folder_itself_may_be_a_link(top: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    top.parent.mkdir()
    top.symlink_to(tmp_path / "disk")
    save(top)
    assert saved(tmp_path / "disk") == {"2026/bill.pdf": b"it"}


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("/srv/a", ["..", "x"]),
        ("/srv/a", ["a/b", "x"]),
        ("/srv/a", ["2026", ".."]),
        ("/srv/a", ["2026", "a/b"]),
        ("/srv/a", ["2026", "a\0b"]),
        ("/srv/a", ["2026", "\udfff"]),
        ("/srv/a", ["2026", ".new-x"]),
        ("/srv/a", ["", "x"]),
        ("srv/a", ["x"]),
        ("/srv/../a", ["x"]),
        ("/", ["x"]),
        ("/srv", ["x"]),
        ("/etc/postroom", ["x"]),
    ],
)
def test_no_plugin_can_lead_it_elsewhere(folder: str, names: list[str]) -> None:
    *levels, name = names
    places = LocalPlaces(0o077, "key")
    with pytest.raises(PermanentError):
        asyncio.run(places.write(folder, levels, name, b"it"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=80), value=st.text(max_size=80))
@example("../../../x", "..")
@example("a\0/../b", "/etc")
@example("x" * 4096, "/" * 4096)
@example("\u202egpj.exe", ".")
@example("CON", "~root")
@example(".new-x", ".new-y")
def test_whatever_a_stranger_writes_stays_below_the_folder(
    tmp_path: Path, name: str, value: str
) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    top = tmp_path / "s" / "t"
    cleaned = clean_file_name(name), (clean_folder_name(value),)
    save(top, b"it", *cleaned)
    (found,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found.relative_to(top).parts) == 2


def test_a_quota_is_for_all_that_lies_beneath_the_folder(top: Path) -> None:
    places = LocalPlaces(0o077, "key")
    save(top, b"12345", quota=10, places=places)
    save(top, b"67890", quota=10, places=places)
    with pytest.raises(TemporaryError, match="has no room for 1 octets more"):
        save(top, b"x", quota=10, places=places)
    assert save(top, b"12345", quota=10, places=places) == "2026/bill.pdf"
    (top / "2026" / "bill.pdf").unlink()
    assert save(top, b"x", quota=10, places=places) == "2026/bill.pdf"


def test_a_quota_outlives_a_restart(top: Path) -> None:
    save(top, b"12345", quota=5)
    with pytest.raises(TemporaryError, match="its quota is 5"):
        save(top, b"x", "other", quota=5)
    assert save(top, b"", "empty", quota=5) == "2026/empty"


def test_a_quota_counts_a_tree_but_once(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage, walks, walk = Usage(), list[str](), os.walk

    def count(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
        walks.append(path)
        return walk(path)

    monkeypatch.setattr(os, "walk", count)
    for number in range(20):
        places = LocalPlaces(0o077, "key", usage)
        save(top, b"it", f"{number}", quota=1000, places=places)
    assert len(walks) == 1


def test_a_message_is_delivered_once_for_each_key(tmp_path: Path) -> None:
    maildir = tmp_path / "mail" / "archive"
    for key in ("32:k1", "32:k1", "32:k2"):
        deliver(maildir, b"Subject: x\r\n\r\nHello.\r\n", key)
    found = [path for path in maildir.rglob("*postroom*") if path.is_file()]
    assert [path.parent.relative_to(maildir) for path in found] == [
        Path(".A.B/new")
    ] * 2
    assert {path.read_bytes() for path in found} == {b"Subject: x\n\nHello.\n"}
    marks = {path.name.split(".")[1] for path in found}
    assert len(marks) == 2
    assert all(re.fullmatch("K[0-9a-f]{32}", mark) for mark in marks)


def test_a_maildir_has_a_quota_too(tmp_path: Path) -> None:
    maildir = tmp_path / "mail" / "archive"
    with pytest.raises(TemporaryError, match="its quota is 3"):
        deliver(maildir, b"Hello", quota=3)
    assert not maildir.exists()


def test_a_write_that_fails_leaves_nothing(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    save(top, b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TemporaryError, match=r"bill\.pdf can't be used: No space left"):
        save(top, b"new")
    assert saved(top) == {"2026/bill.pdf": b"old"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB; `mount -o remount` makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)):
        pytest.skip("this machine lets us mount nothing")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def mounted(*arguments: str) -> bool:
    """True if it was mounted."""
    return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


def test_a_full_disk_holds_nothing_half_written_and_may_have_room_later(
    small_disk: Path,
) -> None:
    top = small_disk / "invoices"
    save(top, b"small")
    for _ in range(2):
        with pytest.raises(TemporaryError, match="No space left on device"):
            save(top, bytes(2 * MIB))
    assert saved(top) == {"2026/bill.pdf": b"small"}
    with pytest.raises(TemporaryError, match="the disk is full"):
        deliver(small_disk / "mail", bytes(2 * MIB))
    assert set(saved(small_disk)) == {
        "invoices/2026/bill.pdf",
        "mail/.A.B/maildirfolder",
    }
    assert mounted("-o", "remount,size=8m", str(small_disk))
    assert save(top, bytes(2 * MIB)) == "2026/bill (2).pdf"


def test_a_forbidden_place_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        PermanentError, match=r"file/x/.* can't be used: .* not followed .Not a dir"
    ):
        save(tmp_path / "file" / "x")


@pytest.mark.parametrize(
    ("function", "time"),
    [
        *[("mkdir", n) for n in (1, 2, 3)],
        *[("fsync", n) for n in (1, 2, 3, 4, 5)],
        *[("fchmod", n) for n in (1, 2, 3, 4)],
        *(("open", 7), ("link", 1), ("unlink", 1)),
    ],
)
def test_one_that_was_killed_is_saved_once_and_whole(
    top: Path, function: str, time: int
) -> None:
    with running("tests.service.dying_saver", str(top), function, str(time)) as saver:
        assert saver.communicate(timeout=60)[0] == ""
    assert {b for name, b in saved(top).items() if ".new-" not in name} <= {CONTENT}
    assert save(top, CONTENT) == "2026/bill.pdf"
    assert saved(top) == {"2026/bill.pdf": CONTENT}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_is_not_ours_yet_is_tried_again(
    top: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(TemporaryError, match=os.strerror(number)):
            save(top)
    assert save(top) == "2026/bill.pdf"


@pytest.mark.parametrize("name", ["plugins", "rules.d", "bill.pdf"])
def test_no_file_lies_beside_the_settings(tmp_path: Path, name: str) -> None:
    own = OwnPlaces((tmp_path / "plugins",), beside=tmp_path)
    places = LocalPlaces(0o077, "key", own=own)
    with pytest.raises(PermanentError, match="postroom's own"):
        save(tmp_path, name=name, levels=(), places=places)
    assert save(tmp_path, name=name, levels=("saved",), places=places)


def test_what_a_message_chooses_never_leads_to_what_is_our_own(tmp_path: Path) -> None:
    plugins = tmp_path / "home" / "plugins"
    plugins.mkdir(parents=True)
    places = LocalPlaces(0o077, "key", own=OwnPlaces((plugins,)))
    with pytest.raises(PermanentError, match="postroom's own"):
        save(tmp_path / "home", name="x.py", levels=("plugins",), places=places)
    assert not list(plugins.iterdir())
