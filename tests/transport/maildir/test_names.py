"""Names of folders that lead nowhere else, and names of files that tell the UID."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.mail.names import canonical
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.flags import Marking, flags_of
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.maildir.names import (
    base,
    base_of,
    folder_of_user,
    folder_on_disk,
    letters_of,
    require_base,
    size_of,
    uid_of,
    with_letters,
)

NASTY = st.text(
    st.one_of(st.sampled_from("./\\&~:,\0\n\x7f iI NBOX"), st.characters()), max_size=30
)


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("INBOX", ""),
        ("inbox", ""),
        ("Lists/python", ".Lists.python"),
        ("INBOX/Old", ".INBOX.Old"),
        ("Entwürfe & Co/台北", ".Entw&APw-rfe &- Co.&U,BTFw-"),
        (unicodedata.normalize("NFD", "Entwürfe"), ".Entw&APw-rfe"),
        ("a:2,S", ".a:2,S"),
        ("~root", ".~root"),
    ],
)
def test_a_folder_is_called_as_maildir_plus_plus_has_it(
    name: str, on_disk: str
) -> None:
    assert folder_on_disk(name) == on_disk
    if on_disk:
        assert folder_of_user(on_disk) == canonical(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "empty"),
        ("/etc", "empty"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("..", "dot"),
        ("a/../../b", "dot"),
        (".", "dot"),
        ("Version 2.0", "dot"),
        ("a\0b", "printed"),
        ("a\nb", "printed"),
        ("a\ud800b", "printed"),
        ("x" * 255, "256 octets"),
        ("ö" * 150, "octets on disk"),
    ],
)
def test_a_name_that_no_folder_can_have_is_refused(name: str, fault: str) -> None:
    with pytest.raises(PermanentError, match=fault):
        folder_on_disk(name)


@given(NASTY)
def test_no_name_leads_out_of_the_maildir(name: str) -> None:
    try:
        on_disk = folder_on_disk(name)
    except PermanentError:
        return
    if not on_disk:
        assert name.upper() == "INBOX"
        return
    assert on_disk.startswith(".")
    assert on_disk.isascii()
    assert on_disk.isprintable()
    assert not {"/", "\0"} & set(on_disk)
    assert ".." not in on_disk
    assert 1 < len(on_disk) <= 255
    assert folder_of_user(on_disk) == canonical(name)


@given(NASTY)
def test_whatever_folder_is_made_lies_in_the_root(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "above" / "Maildir"
        maildir = Maildir(root)
        maildir.prepare()
        try:
            with maildir.entered(name, making=True):
                pass
        except PermanentError:
            pass
        above = [*Path(place).iterdir(), *root.parent.iterdir()]
        assert above == [root.parent, root]
        made = [each for each in root.iterdir() if each.name[0] == "."]
        assert len(made) <= 1
        assert set(maildir.folders()) <= {"INBOX", canonical(name)}
        for each in made:
            inside = {part.name for part in each.iterdir()}
            assert inside == {"cur", "new", "tmp", "maildirfolder"}


@given(st.binary(max_size=40))
def test_whatever_lies_in_the_root_has_a_name_or_none(octets: bytes) -> None:
    on_disk = os.fsdecode(octets.replace(b"/", b"").replace(b"\0", b""))
    name = folder_of_user(on_disk)
    assert name is None or canonical(name) == name


@pytest.mark.parametrize("on_disk", ["cur", "..", ".", ".a..b", ".INBOX", ".a.", "a"])
def test_what_is_no_folder_has_no_name(on_disk: str) -> None:
    assert folder_of_user(on_disk) is None


def test_a_base_name_tells_the_uid_whatever_is_added_to_it() -> None:
    since = datetime(2026, 3, 1, 12, 0, 0, 900_000, tzinfo=UTC)
    name = base(since, 5, 77)
    assert name == "1772366400.U5V77.postroom"
    assert require_base(name) == name
    for added in ("", ",S=3,W=4", ":2,", ":2,RS", ",S=3,W=4:2,Sab", ",S=3:2,"):
        assert uid_of(name + added, 77) == 5
        assert base_of(name + added) == name
    assert size_of(name + ",S=3,W=4:2,S") == 4
    assert size_of(name + ",S=3:2,S") is None


@pytest.mark.parametrize(
    "file",
    [
        "1772366400.U5V78.postroom",
        "1772366400.M5P3.host,S=3,W=4:2,S",
        "1772366400.U5V77.postroom.bak",
        "x1772366400.U5V77.postroom",
        "1772366400.U5V77.postroom:1,S",
        ".nfs1772366400.U5V77.postroom",
    ],
)
def test_files_of_other_programs_are_no_messages(file: str) -> None:
    assert uid_of(file, 77) is None


@pytest.mark.parametrize("name", ["", ".a", "a/b", "a:2,S", "a b", "a\n", "x" * 300])
def test_a_base_name_that_is_no_name_for_a_file_is_refused(name: str) -> None:
    with pytest.raises(PermanentError):
        require_base(name)


@pytest.mark.parametrize(
    ("before", "add", "remove", "after"),
    [
        ("", {"\\Seen"}, set(), "S"),
        ("S", {"\\Answered", "$forwarded", "\\FLAGGED"}, set(), "FPRS"),
        ("FS", set(), {"\\seen"}, "F"),
        ("Sab", {"\\Draft", "\\Deleted"}, set(), "DSTab"),
        ("SaQ", set(), {"\\Seen"}, "Qa"),
        ("S", {"\\Seen"}, set(), "S"),
    ],
)
def test_letters_are_in_order_and_those_of_others_stay(
    before: str, add: set[str], remove: set[str], after: str
) -> None:
    change = SetFlags(frozenset(add), frozenset(remove))
    assert Marking(change).apply(before) == after
    file = with_letters("1.U1V1.postroom,S=1,W=1:2," + before, after)
    assert file == "1.U1V1.postroom,S=1,W=1:2," + after
    assert letters_of(file) == after


def test_letters_that_are_known_are_flags() -> None:
    assert flags_of("PSaZ") == {"$Forwarded", "\\Seen"}


def test_a_label_is_refused_in_words() -> None:
    for change in (
        SetFlags(frozenset({"\\Seen", "Work"})),
        SetFlags(remove=frozenset({"Work"})),
    ):
        with pytest.raises(PermanentError, match="keeps no label 'Work'"):
            Marking(change)
