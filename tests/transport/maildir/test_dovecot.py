"""Dovecot and postroom use one Maildir: each sees what the other has done."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from postroom.rules.effects import SetFlags
from postroom.transport.maildir.maildir import Maildir
from tests.servers.dovecot import DovecotServer
from tests.servers.reading import checked
from tests.transport.maildir.letters import letter, letters, mailbox, prepared, raw

FAR = "Entwürfe & Co/台北"
ODD = [
    b"Subject: cr\r\n\r\na\rb\r\r\nc\r",
    b"Subject: no end\r\n\r\nx",
    b"Subject: long\r\n\r\n" + b"y" * 1_000_000 + b"\r\n",
    b"Subject: bare\r\n\r\na\nb\r\n",
    b"\r\nno header\r\n",
]


def test_dovecot_sees_what_was_filed_and_flagged(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    maildir = prepared(dovecot.maildir(user))

    async def file() -> None:
        maildir.put(letters([1, 2, 3, 4]))
        inbox = mailbox(maildir)
        both = SetFlags(frozenset({"\\Seen", "\\Flagged", "$Forwarded"}))
        await inbox.set_flags([1, 2], both)
        await inbox.set_flags([1], SetFlags(remove=frozenset({"\\Seen"})))
        await inbox.move([1], FAR)
        await inbox.copy([2, 3], "Lists/python")

    asyncio.run(file())
    dovecot.hand_over(user)
    seen = {
        name: sorted((each.raw, each.flags - {"$Forwarded"}) for each in found)
        for name, found in dovecot.mailboxes(user).items()
        if found
    }
    two = (raw("2"), frozenset({"\\Seen", "\\Flagged"}))
    plain = [(raw(subject), frozenset[str]()) for subject in ("3", "4")]
    assert seen == {
        "INBOX": [two, *plain],
        FAR: [(raw("1"), frozenset({"\\Flagged"}))],
        "Lists/python": [two, plain[0]],
    }


def test_what_is_done_over_imap_is_seen_and_not_undone(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    maildir = prepared(dovecot.maildir(user))
    maildir.put(letters(range(1, 6)))
    maildir.put([letter(9)], FAR)
    dovecot.hand_over(user)

    async def story() -> None:
        inbox = mailbox(maildir)
        uids = await inbox.uids_after(0)
        with dovecot.client(user) as client:
            checked(client.create("Work"))
            checked(client.select("INBOX"))
            # Dovecot numbers messages by itself: ours are told by their subjects.
            checked(client.uid("STORE", "1:5", "+FLAGS", "(\\Answered Label)"))
            checked(client.uid("MOVE", "5", "Work"))
            found = await inbox.headers(uids)
            assert len(found) == 4
            assert {each.flags for each in found} == {frozenset({"\\Answered"})}
            marked = await inbox.set_flags(uids, SetFlags(frozenset({"\\Seen"})))
            assert len(marked) == 4
            dovecot.hand_over(user)
        assert set(maildir.folders()) == {"INBOX", FAR, "Work"}
        # Known again in another folder, although Dovecot has moved it.
        (uid,) = await mailbox(maildir, "Work").uids_after(0)
        assert uid in set(uids) - marked
        maildir.put(letters(sorted(marked)))
        assert len(await inbox.uids_after(0)) == 4

    asyncio.run(story())
    everything = dovecot.mailboxes(user)
    all_three = frozenset({"\\Seen", "\\Answered", "Label"})
    assert {each.flags for each in everything["INBOX"]} == {all_three}
    subjects = sorted(each.raw for each in (*everything["INBOX"], *everything["Work"]))
    assert subjects == [raw(str(uid)) for uid in range(1, 6)]


def test_an_open_mailbox_of_dovecot_is_shared(dovecot: DovecotServer) -> None:
    """Dovecot renames from new to cur what is new, at a time of its own."""
    user = dovecot.new_user()
    maildir = prepared(dovecot.maildir(user))

    dovecot.hand_over(user)

    async def story() -> None:
        inbox = mailbox(maildir)
        with dovecot.client(user) as client:
            checked(client.select("INBOX"))
            for uid in range(1, 11):
                maildir.put([letter(uid)])
                dovecot.hand_over(user)
                await inbox.uids_after(0)
                checked(client.noop())
                assert (await inbox.move([uid], "Old")).keys() == {uid}
                maildir.put([letter(uid + 100)])
        assert await inbox.uids_after(0) == list(range(101, 111))

    asyncio.run(story())
    dovecot.hand_over(user)
    assert len(dovecot.mailboxes(user)["Old"]) == 10


@pytest.mark.parametrize("content", ODD)
def test_sizes_are_as_dovecot_counts_them(
    dovecot: DovecotServer, content: bytes
) -> None:
    user = dovecot.new_user()
    root = dovecot.maildir(user)
    _put(root, content)
    dovecot.hand_over(user)
    before = dovecot.log()
    with dovecot.client(user) as client:
        checked(client.select("INBOX"))
        told, read = _size(checked(client.uid("FETCH", "1", "(RFC822.SIZE BODY[])")))
    assert told == read
    assert "wrong" not in dovecot.log().removeprefix(before)
    (file,) = [*root.glob("cur/*"), *root.glob("new/*")]
    assert f",W={read}" in file.name


def _put(root: Path, content: bytes) -> None:
    maildir: Maildir = prepared(root)
    maildir.put([letter(1, content)])


def _size(answer: object) -> tuple[int, int]:
    assert isinstance(answer, list)
    line, octets = answer[0]
    found = re.search(rb"RFC822.SIZE (\d+)", line)
    assert found
    return int(found[1]), len(octets)
