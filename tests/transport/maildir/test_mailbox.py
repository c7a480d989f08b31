"""What a Mailbox promises, kept in a Maildir that others use at the same time."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postroom.errors import AbsentMailbox, PermanentError
from postroom.ports import Mailbox, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.folder import Entry
from postroom.transport.maildir.mailbox import MaildirMailbox
from postroom.transport.maildir.maildir import Maildir
from tests.transport.maildir.letters import (
    RECEIVED,
    UIDVALIDITY,
    files,
    letter,
    letters,
    mailbox,
    names,
    octets,
    prepared,
    raw,
    use,
)

SEEN = SetFlags(frozenset({"\\Seen"}))


def test_it_is_a_mailbox(tmp_path: Path) -> None:
    box: Mailbox = mailbox(prepared(tmp_path), "inbox")
    assert (box.name, box.uidvalidity, box.uidnext) == ("INBOX", UIDVALIDITY, None)
    assert (box.pushes, box.delimiter) == (False, ".")


def test_a_file_is_taken_from_where_it_is_expected_and_looked_for_if_it_is_not_there(
    tmp_path: Path,
) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        # No look at the folder would find it: it is not named after a UID.
        (tmp_path / "new" / "put").write_bytes(b"Subject: put\n\n")
        inbox.expect({7: Entry("new", "put"), 2: Entry("new", "elsewhere")})
        assert await inbox.contents([2, 7]) == {
            2: raw("2"),
            7: b"Subject: put\r\n\r\n",
        }

    use(tmp_path, story)


def test_messages_are_found_read_and_not_changed(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        before = names(tmp_path)
        assert await inbox.newest() == 3
        assert await inbox.uids_after(0) == [1, 2, 3]
        assert await inbox.uids_after(1) == [2, 3]
        assert await inbox.uids_after(3) == []
        found = await inbox.headers([3, 9, 1, 2])
        assert [message.key.uid for message in found] == [1, 2, 3]
        assert [message.subject for message in found] == ["1", "2", "3"]
        assert {message.size for message in found} == {len(raw("1"))}
        assert {message.received for message in found} == {RECEIVED}
        assert {message.key.uidvalidity for message in found} == {UIDVALIDITY}
        assert {message.key.mailbox for message in found} == {"INBOX"}
        assert not any(message.excerpt or message.flags for message in found)
        assert await inbox.contents([2, 9]) == {2: raw("2")}
        assert await inbox.present([1, 3, 9]) == {1, 3}
        assert names(tmp_path) == before

    use(tmp_path, story)


def test_of_a_long_header_only_the_beginning_is_read(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        lines = (b"X: " + b"y" * 990 + b"\r\n") * 100
        long = b"Subject: long\r\n" + lines + b"Last: z\r\n\r\nbody\r\n"
        maildir.put([letter(4, long), letter(5, b"Subject: end")])
        four, five = await inbox.headers([4, 5])
        assert four.excerpt
        assert (four.subject, four.size) == ("long", len(long))
        assert not four.header.has("Last")
        (content,) = (await inbox.contents([4])).values()
        assert four.at_full_depth(content).header.has("Last")
        assert (five.excerpt, five.subject) == (False, "end")

    use(tmp_path, story)


def test_flags_are_set_and_taken_away(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        both = SetFlags(frozenset({"\\Seen", "\\Flagged"}))
        assert await inbox.set_flags([1, 2, 9], both) == {1, 2}
        take = SetFlags(remove=frozenset({"\\Flagged"}))
        assert await inbox.set_flags([1, 3], take) == {1, 3}
        found = await inbox.headers([1, 2, 3])
        assert [each.flags for each in found] == [SEEN.add, both.add, frozenset()]
        folders = [name.partition("/")[0] for name in names(tmp_path)]
        assert folders == ["cur", "cur", "new"]
        with pytest.raises(PermanentError, match="'Work'"):
            await inbox.set_flags([3], SetFlags(frozenset({"\\Seen", "Work"})))
        assert [name.partition("/")[0] for name in names(tmp_path)] == folders

    use(tmp_path, story)


@pytest.mark.parametrize("target", ["Old", "Lists/python", "Entwürfe & Co/台北"])
def test_a_move_arrives_with_its_flags(tmp_path: Path, target: str) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        await inbox.set_flags([1], SEEN)
        placed = await inbox.move([1, 2, 9], target)
        assert placed == {uid: Placement(target, UIDVALIDITY, uid) for uid in (1, 2)}
        assert await inbox.uids_after(0) == [3]
        there = mailbox(maildir, target)
        found = await there.headers([1, 2, 3])
        assert [each.flags for each in found] == [SEEN.add, frozenset()]
        assert await there.contents([1]) == {1: raw("1")}

    use(tmp_path, story)


def test_a_copy_shares_its_octets_and_stays(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        for _ in range(2):
            placed = await inbox.copy([1, 2, 9], "Old")
            assert placed == {uid: Placement("Old", UIDVALIDITY, uid) for uid in (1, 2)}
        assert await inbox.uids_after(0) == [1, 2, 3]
        here, there = files(tmp_path), files(tmp_path / ".Old")
        assert [each.name for each in there] == [each.name for each in here[:2]]
        assert all(map(os.path.samefile, here, there))
        # Copied before and moved now: it is there already, and leaves.
        assert (await inbox.move([1, 2], "Old")).keys() == {1, 2}
        assert await inbox.uids_after(0) == [3]
        assert files(tmp_path / ".Old") == there

    use(tmp_path, story)


@pytest.mark.parametrize("here", ["INBOX", "inbox"])
def test_a_move_to_where_it_is_leaves_it(tmp_path: Path, here: str) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        before = names(tmp_path)
        for moved in (inbox.move, inbox.copy):
            assert await moved([1], here) == {1: Placement(here, UIDVALIDITY, 1)}
        assert await inbox.resume({1: None}, here, move=True) == Resumed()
        assert names(tmp_path) == before

    use(tmp_path, story)


def test_another_message_in_the_way_loses_nothing(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        maildir.put([letter(2, raw("X"))], "Old")
        assert (await inbox.move([1, 2], "Old")).keys() == {1}
        for filed in (inbox.move, inbox.copy):
            with pytest.raises(PermanentError, match=r"in the way.*UID 2"):
                await filed([2], "Old")
        with pytest.raises(PermanentError, match=r"in the way.*UID 2"):
            await inbox.resume({2: None}, "Old", move=True)
        assert octets(tmp_path) == [raw("2"), raw("3")]
        assert octets(tmp_path / ".Old") == [raw("1"), raw("X")]

    use(tmp_path, story)


def test_a_move_that_was_cut_off_is_ended(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        # 1 was moved, 2 was copied, and both were seen there by a person.
        await inbox.move([1], "Old")
        await inbox.copy([2], "Old")
        for file in files(tmp_path / ".Old"):
            file.rename(tmp_path / ".Old" / "cur" / f"{file.name}:2,S")
        fresh = mailbox(maildir)
        begun = dict.fromkeys([1, 2, 3])
        placed = await fresh.resume(begun, "Old", move=False)
        assert placed.copies.keys() == {1, 2}
        assert await fresh.uids_after(0) == [2, 3]
        ended = await fresh.resume(begun, "Old", move=True)
        assert ended.copies.keys() == {1, 2}
        assert await fresh.uids_after(0) == [3]
        assert octets(tmp_path / ".Old") == [raw("1"), raw("2")]
        assert await fresh.resume({3: None}, "Nowhere", move=True) == Resumed()

    use(tmp_path, story)


def test_an_expunge_takes_nothing_else(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        await inbox.set_flags([2], SetFlags(frozenset({"\\Deleted"})))
        assert await inbox.expunge([1, 9]) == {1}
        assert await inbox.uids_after(0) == [2, 3]

    use(tmp_path, story)


def test_files_of_others_are_passed_over_and_stay(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        others = {
            tmp_path / "new" / "1772366400.M5P3.host",
            tmp_path / "cur" / "1772366400.U1V78.postroom,S=1,W=1:2,S",
        }
        for path in others:
            path.write_bytes(b"Subject: other\n\n")
        (tmp_path / "new" / "1.U7V77.postroom").symlink_to("/etc/passwd")
        os.mkfifo(tmp_path / "new" / "1.U8V77.postroom")
        assert await inbox.newest() == 8
        assert [each.key.uid for each in await inbox.headers([1, 7, 8])] == [1]
        assert (await inbox.contents([1, 7, 8])).keys() == {1}
        await inbox.move(await inbox.uids_after(0), "Old")
        assert set(files(tmp_path)) == others

    use(tmp_path, story)


def test_a_time_that_no_calendar_has_is_the_nearest_that_is(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        one, two, _ = files(tmp_path)
        os.utime(one, (-5, -5))
        os.utime(two, (2**33, 2**33))
        found = await inbox.headers([1, 2])
        assert [each.received.year for each in found] == [1970, 2242]

    use(tmp_path, story)


def test_names_are_told_in_one_spelling(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        assert await inbox.trash_name() == "Trash"
        asked = ["inbox", "Entwu\u0308rfe", "a.b", "Junk"]
        told = await inbox.meant_by(asked)
        assert list(told) == asked
        assert list(told.values()) == ["INBOX", "Entw\u00fcrfe", "a.b", "Junk"]
        with pytest.raises(PermanentError, match="dot"):
            await inbox.move([1], "a.b")

    use(tmp_path, story)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        with pytest.raises(AbsentMailbox, match="Nowhere"):
            await mailbox(maildir, "Nowhere").uids_after(0)
        assert maildir.folders() == ["INBOX"]

    use(tmp_path, story)


def test_nothing_is_told_until_the_wait_is_given_up(tmp_path: Path) -> None:
    async def story(maildir: Maildir, inbox: MaildirMailbox) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await inbox.changed()

    use(tmp_path, story)


@contextmanager
def _renaming(folder: Path) -> Iterator[None]:
    """Another program marks and unmarks all there is, as fast as it can."""
    ended = threading.Event()

    def rename() -> None:
        while not ended.is_set():
            for file in files(folder):
                plain, _, letters = file.name.partition(":2,")
                info = "" if "S" in letters else "S"
                try:
                    file.rename(folder / "cur" / f"{plain}:2,{info}")
                except FileNotFoundError:
                    continue

    thread = threading.Thread(target=rename)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_files_that_another_program_renames_are_found_again(tmp_path: Path) -> None:
    flagged = SetFlags(frozenset({"\\Flagged"}))

    async def main() -> None:
        maildir = prepared(tmp_path)
        everything = range(1, 401)
        maildir.put(letters(everything))
        inbox = mailbox(maildir)
        await inbox.uids_after(0)
        with _renaming(tmp_path):
            for _ in range(5):
                assert await inbox.present(everything) == set(everything)
                assert len(await inbox.headers(everything)) == 400
                assert len(await inbox.contents(everything)) == 400
                assert len(await inbox.set_flags(everything, flagged)) == 400
            assert len(await inbox.copy(everything, "Copies")) == 400
            assert len(await inbox.move(everything[:200], "Old")) == 200
            assert await inbox.expunge(everything[200:]) == set(everything[200:])
        expected = sorted(raw(str(uid)) for uid in everything)
        assert octets(tmp_path / ".Copies") == expected
        assert octets(tmp_path / ".Old") == sorted(raw(str(n)) for n in range(1, 201))
        assert files(tmp_path) == []

    asyncio.run(main())
