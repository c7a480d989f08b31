"""What is there is read in few commands, and lies are left out."""

from __future__ import annotations

import pytest

from postroom.errors import RefusedForNow, TemporaryError
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import Peer, meet


def test_headers_cost_one_fetch_and_what_was_not_asked_is_left_out() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:4 (UID FLAGS INTERNALDATE RFC822.SIZE"
            " BODY.PEEK[HEADER]<0.32769>)",
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


def test_a_message_whose_header_is_not_given_is_left_out() -> None:
    """With an empty one a rule about what is not in it would be wrong. Where the header
    is empty it is given."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:5",
            "* 1 FETCH (UID 1 RFC822.SIZE 99 BODY[HEADER]<0> NIL)",
            "* 2 FETCH (UID 2 FLAGS (\\Seen))",
            '* 3 FETCH (UID 3 FLAGS (\\Seen) BODY[HEADER]<0> "")',
            "* 4 FETCH (UID 4 RFC822.SIZE 99 BODY[HEADER]<0> {0}\r\n)",
            '* 5 FETCH (UID 5 BODY[HEADER]<1> "a: b")',
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        three, four = await mailbox.headers(range(1, 6))
        assert (three.key.uid, three.size, three.header.fields) == (3, 0, ())
        assert three.flags == {"\\Seen"}
        assert (four.key.uid, four.size, four.header.fields) == (4, 99, ())

    meet(server, client)


@pytest.mark.parametrize(("octets", "excerpt"), [(32_768, False), (32_769, True)])
def test_of_a_very_long_header_there_is_an_excerpt(octets: int, excerpt: bool) -> None:
    """A thousand long headers at a time would fill the memory."""
    header = b"Subject: hi\r\nX: ".ljust(octets - 4, b"x") + b"\r\n\r\n"

    async def server(peer: Peer) -> None:
        await peer.begin()
        told = b"* 1 FETCH (UID 1 BODY[HEADER]<0> {%d}\r\n%s)" % (octets, header)
        await peer.answer("UID FETCH 1 ", told)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        (message,) = await mailbox.headers([1])
        assert message.excerpt is excerpt
        assert message.subject == "hi"

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


@pytest.mark.parametrize("answer", ["BAD Command Error. 12", "NO [CANNOT] no"])
def test_a_fetch_is_refused_for_now_whatever_is_said(answer: str) -> None:
    """It may be about one message: those who ask again find out about which."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 1 ", end=answer)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(RefusedForNow):
            await mailbox.headers([1])

    meet(server, client)
