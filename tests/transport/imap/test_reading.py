"""What is there is read in few commands, and lies are left out."""

from __future__ import annotations

import pytest

from postroom.errors import TemporaryError
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import Peer, meet


def test_headers_cost_one_fetch_and_what_was_not_asked_is_left_out() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:4 (UID FLAGS INTERNALDATE RFC822.SIZE"
            " BODY.PEEK[HEADER]<0.262145>)",
            "* 2 FETCH (UID 3 FLAGS (\\Seen \\Recent $x) RFC822.SIZE 99"
            ' INTERNALDATE "01-Nov-2026 12:00:00 +0100" BODY[HEADER]<0> {13}',
            "Subject: hi",
            ")",
            '* 1 FETCH (UID 1 BODY[HEADER]<0> "To: a")',
            '* 3 FETCH (UID 77 BODY[HEADER]<0> "nobody asked")',
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        one, three = await mailbox.headers([3, 1, 4, 2, 1])
        assert (one.key.uid, one.size, one.received.year) == (1, 5, 1970)
        assert (three.key.uid, three.key.uidvalidity, three.size) == (3, 7, 99)
        assert (three.key.account, three.key.mailbox) == ("home", "INBOX")
        assert three.flags == {"\\Seen", "$x"}
        assert three.received.isoformat() == "2026-11-01T11:00:00+00:00"
        assert three.subject == "hi"

    meet(server, client)


def test_a_message_whose_header_is_not_given_is_there_with_an_empty_one() -> None:
    """Left out it would be taken for gone."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:3",
            "* 1 FETCH (UID 1 RFC822.SIZE 99 BODY[HEADER]<0> NIL)",
            "* 2 FETCH (UID 2 FLAGS (\\Seen))",
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        one, two = await mailbox.headers([1, 2, 3])
        assert (one.key.uid, one.size, one.header.fields) == (1, 99, ())
        assert (two.key.uid, two.size, two.header.fields) == (2, 0, ())
        assert two.flags == {"\\Seen"}

    meet(server, client)


def test_what_is_there_can_be_asked_for() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 1:3 (UID)", "* 1 FETCH (UID 2)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.present([1, 2, 3]) == {2}
        assert await mailbox.present([]) == frozenset()

    meet(server, client)


def test_contents_are_the_octets_and_never_set_seen() -> None:
    octets = b"a\x00\xff\n* 9 EXISTS\r\n)"

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:3 (UID BODY.PEEK[])",
            b"* 1 FETCH (BODY[] {%d}\r\n%s UID 1)" % (len(octets), octets),
            "* 2 FETCH (UID 2 BODY[] NIL)",
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.contents([1, 2, 3]) == {1: octets}

    meet(server, client)


def test_the_last_message_is_no_arrival_when_it_lies_below() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=3)
        await peer.answer("UID SEARCH UID 10:*", "* SEARCH 9")
        await peer.answer("UID SEARCH UID 9:*", "* SEARCH 12 9", "* SEARCH 10")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(9) == []
        assert await mailbox.uids_after(8) == [9, 10, 12]

    meet(server, client)


def test_the_newest_message_is_asked_for_only_where_there_is_one() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=0)
        await peer.answer("UID SEARCH", "* 2 EXISTS", "* SEARCH 4 9")
        await peer.answer("UID FETCH * (UID)", "* 2 FETCH (UID 9)")
        await peer.answer("UID FETCH * (UID)")
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.newest() == 0
        await mailbox.uids_after(0)
        assert await mailbox.newest() == 9
        with pytest.raises(TemporaryError, match="hides"):
            await mailbox.newest()

    meet(server, client)
