"""What is put into a Maildir: equal to what came, once, and readable by others."""

from __future__ import annotations

import asyncio
import mailbox as stdlib
import os
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.transport.maildir.delivery import NameTaken
from postroom.transport.maildir.lines import Unwinding, to_crlf
from postroom.transport.maildir.maildir import Letter, Maildir
from tests.transport.maildir.letters import (
    RECEIVED,
    files,
    letter,
    letters,
    mailbox,
    names,
    octets,
    prepared,
    raw,
)

ODD = [
    b"",
    b"\r\n",
    b"\n",
    b"\r",
    b"Subject: x\r\n\r\nno end of line",
    b"Subject: x\r\n\r\n" + b"a" * 1_000_000 + b"\r\nb\r\n",
    b"Subject: nul\0\r\n\r\n\0\0\r\n",
    b"Subject: bare\rcr\r\n\r\na\rb\r\r\nc\r",
    b"Subject: 8bit \xff\xfe\r\n\r\n\x80\r\n",
    b"From me\r\n.\r\n..\r\n",
]


@pytest.mark.parametrize("content", ODD)
def test_contents_come_back_as_they_were_put(tmp_path: Path, content: bytes) -> None:
    async def main() -> None:
        maildir = prepared(tmp_path)
        maildir.put([letter(1, content)])
        draft = maildir.draft()
        for at in range(0, len(content), max(1, len(content) // 7)):
            draft.write(content[at : at + max(1, len(content) // 7)])
        draft.deliver(letter(2).base, RECEIVED)
        expected = content if content != b"\n" else b"\r\n"  # but for a bare LF
        contents = await mailbox(maildir).contents([1, 2])
        assert contents == {1: expected, 2: expected}

    asyncio.run(main())
    one, two = files(tmp_path)
    assert one.read_bytes() == content.replace(b"\r\n", b"\n")
    assert one.read_bytes() == two.read_bytes()
    assert one.name.partition(",")[2] == two.name.partition(",")[2]
    assert f",S={one.stat().st_size}," in one.name


@given(st.lists(st.text("\r\nab").map(str.encode)))
def test_octets_in_pieces_are_what_they_are_in_one(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    lines = Unwinding()
    written = b"".join([*map(lines.feed, pieces), lines.end()])
    assert written == whole.replace(b"\r\n", b"\n")
    assert to_crlf(written) == whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    with_cr = written.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert lines.suffix == f",S={len(written)},W={len(with_cr)}"


def test_a_letter_is_a_file_of_its_name_and_time(tmp_path: Path) -> None:
    prepared(tmp_path).put([letter(5)])
    (file,) = files(tmp_path)
    size = len(raw("5"))
    expected = f"new/1772368215.U5V77.postroom,S={size - 4},W={size}"
    assert names(tmp_path) == [expected]
    assert file.stat().st_mtime == RECEIVED.timestamp()
    assert file.stat().st_nlink == 1
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("masked", [0o077, 0o000, 0o777])
@pytest.mark.parametrize("umask", [0o077, 0o007, 0o022])
def test_modes_are_what_the_umask_of_the_settings_leaves(
    tmp_path: Path, umask: int, masked: int
) -> None:
    before = os.umask(masked)
    try:
        maildir = prepared(tmp_path / "a" / "b", umask)
        maildir.put([letter(1)], "Lists/python")
        draft = maildir.draft()
        draft.deliver(letter(2).base, RECEIVED)
    finally:
        os.umask(before)
    made = list((tmp_path / "a").rglob("*"))
    modes = {(each.is_dir(), stat.S_IMODE(each.stat().st_mode)) for each in made}
    assert modes == {(True, 0o777 & ~umask), (False, 0o666 & ~umask)}


def test_a_folder_that_belongs_to_a_group_hands_it_on(tmp_path: Path) -> None:
    prepared(tmp_path)
    tmp_path.chmod(0o2770)
    prepared(tmp_path, 0o007).put([letter(1)], "Old")
    assert stat.S_IMODE((tmp_path / ".Old" / "new").stat().st_mode) == 0o2770


def test_a_letter_that_is_put_again_is_there_once(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    for _ in range(3):
        maildir.put(letters([1, 2, 3, 2]))
    assert octets(tmp_path) == [raw("1"), raw("2"), raw("3")]
    one, two, _ = files(tmp_path)
    # As Dovecot does, which also takes away sizes it does not believe.
    one.rename(tmp_path / "cur" / f"{one.name}:2,")
    two.rename(tmp_path / "cur" / f"{two.name.partition(',')[0]}:2,FSab")
    maildir.put(letters([1, 2, 3, 4]))
    draft = maildir.draft()
    draft.write(raw("1"))
    draft.deliver(letter(1).base, RECEIVED)
    assert octets(tmp_path) == [raw(each) for each in "1234"]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("other", [raw("9"), raw("another")])
def test_another_message_of_the_same_name_stays(tmp_path: Path, other: bytes) -> None:
    maildir = prepared(tmp_path)
    maildir.put(letters([1, 2]))
    with pytest.raises(NameTaken, match="U2V77") as taken:
        maildir.put([letter(1), letter(2, other), letter(3)])
    assert taken.value.bases == (letter(2).base,)
    assert octets(tmp_path) == [raw("1"), raw("2"), raw("3")]
    draft = maildir.draft()
    draft.write(other)
    with pytest.raises(NameTaken):
        draft.deliver(letter(1).base, RECEIVED)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_two_that_put_the_same_at_once_put_it_once(tmp_path: Path) -> None:
    maildirs = [prepared(tmp_path) for _ in range(2)]
    for begin in range(1, 200, 20):
        batch = letters(range(begin, begin + 20))
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(maildir.put, batch) for maildir in maildirs]
        one, other = (each.result() for each in done)
        assert {**one, **other}.keys() == {each.base for each in batch}
        assert len(files(tmp_path)) == begin + 19


def test_a_draft_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    draft = maildir.draft()
    draft.write(b"Subject: x\r\n")
    draft.discard()
    draft.discard()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
    with pytest.raises(RuntimeError):
        draft.deliver(letter(1).base, RECEIVED)


def test_drafts_of_another_run_are_removed_and_nothing_of_others(
    tmp_path: Path,
) -> None:
    maildir = prepared(tmp_path)
    draft = maildir.draft()
    own = [each.name for each in (tmp_path / "tmp").iterdir()]
    others = {"1772366400.M1P2.host", "postroom-draft-", "postroom-draft-abc-1"}
    for name in (*others, "postroom-draft-0123456789abcdef-12"):
        (tmp_path / "tmp" / name).touch()
    maildir.prepare()
    assert {each.name for each in (tmp_path / "tmp").iterdir()} == {*others, *own}
    draft.deliver(letter(1).base, RECEIVED)


def test_a_bad_base_name_puts_nothing(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    with pytest.raises(PermanentError, match="name of a file"):
        maildir.put([letter(1), Letter("../x", raw("2"), RECEIVED)])
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_a_folder_is_listed_found_and_made_once(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    decomposed = "Entwu\u0308rfe/2026"
    maildir.put([letter(1)], decomposed)
    maildir.put([letter(2)], "Entw\u00fcrfe/2026")
    assert maildir.folders() == ["INBOX", "Entw\u00fcrfe/2026"]
    assert maildir.has(decomposed)
    assert maildir.has("inbox")
    assert not maildir.has("Entw\u00fcrfe")
    assert len(files(tmp_path / ".Entw&APw-rfe.2026")) == 2
    assert (tmp_path / ".Entw&APw-rfe.2026" / "maildirfolder").read_bytes() == b""


def test_a_folder_that_a_kill_left_half_made_is_made_whole(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    (tmp_path / ".Half" / "cur").mkdir(parents=True)
    assert maildir.has("Half")
    maildir.sync("Half")
    assert {each.name for each in (tmp_path / ".Half").iterdir()} >= {"new", "tmp"}


@pytest.mark.parametrize("spelled", [".Entwu&Awg-rfe", ".Entw\u00fcrfe"])
def test_a_folder_that_others_have_spelled_is_the_same(
    tmp_path: Path, spelled: str
) -> None:
    maildir = prepared(tmp_path)
    for part in ("cur", "new", "tmp"):
        (tmp_path / spelled / part).mkdir(parents=True)
    maildir.put([letter(1)], "Entw\u00fcrfe")
    assert len(files(tmp_path / spelled)) == 1
    assert maildir.folders() == ["INBOX", "Entw\u00fcrfe"]


def test_no_link_is_followed_but_the_root(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    prepared(outside)
    root = tmp_path / "link"
    root.symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    maildir = prepared(root)
    (root / ".Evil").symlink_to(outside)
    (root / ".Half").mkdir()
    (root / ".Half" / "new").symlink_to(outside / "new")
    (root / ".File").touch()
    for folder in ("Evil", "Half", "File"):
        with pytest.raises(PermanentError, match=f"{folder} can't be a folder"):
            maildir.put([letter(1)], folder)
    assert maildir.folders() == ["INBOX", "Half"]
    assert files(outside) == []
    maildir.put([letter(1)])
    assert len(files(tmp_path / "real")) == 1


def test_the_standard_library_reads_it(tmp_path: Path) -> None:
    maildir = prepared(tmp_path)
    maildir.put(letters([1, 2]), "Lists/python")
    maildir.put([letter(3)])
    read = stdlib.Maildir(tmp_path, create=False)
    assert [message["Subject"] for message in read] == ["3"]
    assert read.list_folders() == ["Lists.python"]
    below = read.get_folder("Lists.python")
    assert sorted(message["Subject"] for message in below) == ["1", "2"]
    assert {message.get_date() for message in below} == {RECEIVED.timestamp()}


def test_a_message_of_200_mb_takes_little_memory(tmp_path: Path) -> None:
    program = """
        import resource, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from postroom.transport.maildir.maildir import Maildir
        maildir = Maildir(Path(sys.argv[1]))
        maildir.prepare()
        draft = maildir.draft()
        piece = (b"x" * 76 + b"\\r\\n") * 3360
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(800):
            draft.write(piece)
        draft.deliver("1.U1V1.postroom", datetime.now(UTC))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(grown) < 16 * 1024  # KiB
    (file,) = files(tmp_path)
    assert file.stat().st_size == 800 * 3360 * 77
    assert file.name.endswith(f"W={800 * 3360 * 78}")


def test_an_empty_batch_is_nothing(tmp_path: Path) -> None:
    Maildir(tmp_path / "absent").put([])
    assert list(tmp_path.iterdir()) == []
