"""A plugin's files are its own: no name and no link leads out of its folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.service.files import LARGEST, PluginFiles


@pytest.fixture
def files(tmp_path: Path) -> PluginFiles:
    return PluginFiles(tmp_path, "acme")


def home(files: PluginFiles) -> Path:
    return files.state / "plugins" / "acme"


def write(files: PluginFiles, name: str, content: bytes = b"it") -> None:
    asyncio.run(files.write(name, content))


def read(files: PluginFiles, name: str) -> bytes | None:
    return asyncio.run(files.read(name))


def append(files: PluginFiles, name: str, content: bytes = b"it") -> None:
    asyncio.run(files.append(name, content))


def test_what_was_written_is_read(files: PluginFiles) -> None:
    write(files, "notes/seen.txt", b"one")
    write(files, "notes/seen.txt", b"two")
    assert read(files, "notes/seen.txt") == b"two"
    assert os.listdir(home(files) / "notes") == ["seen.txt"]


def test_what_is_appended_comes_at_the_end(files: PluginFiles) -> None:
    append(files, "journal", b"one\n")
    append(files, "journal", b"two\n")
    assert read(files, "journal") == b"one\ntwo\n"


def test_reading_makes_nothing(files: PluginFiles) -> None:
    assert read(files, "notes/seen.txt") is None
    assert os.listdir(files.state) == []


def test_folders_and_files_are_for_the_daemon_alone(files: PluginFiles) -> None:
    os.umask(0)
    write(files, "notes/seen.txt")
    append(files, "journal")
    os.umask(0o22)
    assert home(files).stat().st_mode & 0o777 == 0o700
    modes = {p.name: p.stat().st_mode & 0o777 for p in home(files).rglob("*")}
    assert modes == {"notes": 0o700, "seen.txt": 0o600, "journal": 0o600}


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/passwd", "..", "../other/x", "a/../../x", "./x", "a//b", "a/"),
        *("a\0b", "a\nb", "\x7f", "\ud800", ".new-x", "a/.new-x"),
    ],
)
def test_a_name_that_leads_out_is_refused(files: PluginFiles, name: str) -> None:
    for work in (read, write, append):
        with pytest.raises(PermanentError, match="is no name for a file"):
            work(files, name)
    assert os.listdir(files.state) == []


def test_a_plugin_with_the_name_of_a_path_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(PermanentError):
        write(PluginFiles(tmp_path, "../../acme"), "x")


@pytest.mark.parametrize("link", ["leaf", "folder", "home", "plugins"])
def test_no_symbolic_link_is_followed(
    files: PluginFiles, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    (outside / "acme" / "notes").mkdir(parents=True)
    for each in ("acme/notes/x", "notes/x", "x"):
        (outside / each).parent.mkdir(exist_ok=True)
        (outside / each).write_bytes(b"secret")
    (home(files) / "notes").mkdir(parents=True)
    place, target = {
        "leaf": (home(files) / "notes" / "x", outside / "x"),
        "folder": (home(files) / "notes", outside / "notes"),
        "home": (home(files), outside / "acme"),
        "plugins": (tmp_path / "plugins", outside),
    }[link]
    if place.exists():
        place.rename(tmp_path / "away")
    place.symlink_to(target)
    for work in (read, append):
        with pytest.raises(PermanentError):
            work(files, "notes/x")
    assert link == "leaf" or not _succeeds(files)
    kept = {path.read_bytes() for path in outside.rglob("x")}
    assert kept == {b"secret"}


def _succeeds(files: PluginFiles) -> bool:
    """Writing replaces a link that is a leaf; in a folder that is one it is refused."""
    try:
        write(files, "notes/x")
    except PermanentError:
        return False
    return True


def test_the_state_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    """So it is in a unit with DynamicUser."""
    (tmp_path / "private").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "private")
    files = PluginFiles(tmp_path / "state", "acme")
    write(files, "x", b"here")
    assert (tmp_path / "private/plugins/acme/x").read_bytes() == b"here"


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_regular_file_is_refused_at_once(
    files: PluginFiles, kind: str
) -> None:
    home(files).mkdir(parents=True)
    make = os.mkfifo if kind == "pipe" else os.mkdir
    make(home(files) / "x")
    for work in (read, append):
        with pytest.raises(PermanentError, match="the file x can't be used"):
            work(files, "x")


def test_a_file_that_is_too_large_is_refused(files: PluginFiles) -> None:
    with pytest.raises(PermanentError, match="larger than 16 MiB"):
        write(files, "x", bytes(LARGEST + 1))
    write(files, "x", bytes(LARGEST))
    assert len(read(files, "x") or b"") == LARGEST
    append(files, "x", b".")
    with pytest.raises(PermanentError, match="larger than 16 MiB"):
        read(files, "x")


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = PluginFiles(tmp_path, "acme")
    write(files, "x", b"old")

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TemporaryError, match="No space left"):
        write(files, "x", b"new")
    assert os.listdir(home(files)) == ["x"]
    assert read(files, "x") == b"old"


def test_a_state_folder_that_is_gone_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(TemporaryError, match="the file x can't be used"):
        write(PluginFiles(tmp_path / "absent", "acme"), "x")


def test_what_a_killed_run_was_writing_is_removed(files: PluginFiles) -> None:
    (home(files) / "notes").mkdir(parents=True)
    left = home(files) / "notes" / f".new-{'0' * 16}-{'1' * 16}"
    left.write_bytes(b"half")
    other = left.with_name(".newer")
    other.write_bytes(b"mine")
    write(files, "notes/seen.txt")
    assert sorted(os.listdir(left.parent)) == [".newer", "seen.txt"]


def test_what_this_run_is_writing_is_left_alone(
    files: PluginFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are written at the same time: the one is begun within the other."""
    sync = os.fsync

    def write_another(number: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        write(PluginFiles(files.state, "acme"), "y")
        sync(number)

    home(files).mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", write_another)
    write(files, "x")
    assert sorted(os.listdir(home(files))) == ["x", "y"]
