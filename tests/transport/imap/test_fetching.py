"""Data of FETCH are of the message they came for, or of none."""

from __future__ import annotations

import pytest

from postroom.errors import TemporaryError
from postroom.transport.imap.fetching import fetched
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import Peer, meet
from tests.transport.imap.test_faults import used_no_more


def lines(*said: str) -> list[Frame]:
    """Responses without literals."""
    return [(line.encode(),) for line in said]


def test_the_parts_of_a_fetch_come_together_by_uid() -> None:
    frames: list[Frame] = [
        (b"* 4 FETCH (FLAGS (\\Seen))",),  # not asked for: no UID
        (b"* 4 FETCH (UID 9 BODY[HEADER]<0> {2}", b"a:", b" FLAGS (\\Seen $x))"),
        (b"* 2 EXPUNGE",),
        (b"* 3 fetch (uid 9 rfc822.size 12)",),
    ]
    assert fetched(frames) == {
        9: {
            "UID": b"9",
            "BODY[HEADER]<0>": b"a:",
            "FLAGS": (b"\\Seen", b"$x"),
            "RFC822.SIZE": b"12",
        }
    }


@pytest.mark.parametrize("uid", [b"0", b"-1", b"4294967296", b"x", b"()", b"NIL"])
def test_a_uid_that_can_not_be_one_is_refused(uid: bytes) -> None:
    with pytest.raises(TemporaryError):
        fetched([(b"* 1 FETCH (UID %s)" % uid,)])


EXPUNGED = ["* 5 EXPUNGE", "* 1 expunge", "* VANISHED 5", "* VANISHED 1:2,300"]


@pytest.mark.parametrize("between", [[], ["* 9 EXISTS"], ["* VANISHED (EARLIER) 1"]])
def test_two_uids_of_one_message_are_a_lie(between: list[str]) -> None:
    first, second = "* 5 FETCH (UID 10 FLAGS ())", "* 5 FETCH (UID 11 FLAGS ())"
    with pytest.raises(TemporaryError, match="two UIDs"):
        fetched(lines(first, *between, second))


@pytest.mark.parametrize("between", EXPUNGED)
def test_after_a_removal_the_numbers_are_those_of_others(between: str) -> None:
    first, second = '* 5 FETCH (UID 10 BODY[] "a")', '* 5 FETCH (UID 11 BODY[] "b")'
    found = fetched(lines(first, between, second))
    assert {uid: items["BODY[]"] for uid, items in found.items()} == {
        10: b"a",
        11: b"b",
    }


@pytest.mark.parametrize(
    "said",
    [
        ['1 FETCH (UID 7 BODY[] "a")', '2 FETCH (UID 7 BODY[] "b")'],
        ['1 FETCH (UID 7 BODY[] "a")', '1 FETCH (UID 7 BODY[] "b")'],
        ['1 FETCH (UID 7 BODY[HEADER]<0> "a")', '9 FETCH (UID 7 body[header]<0> "")'],
        ['1 FETCH (UID 7 BODY[] "a" BODY[] "b")'],
        ["1 FETCH (UID 7 UID 8)"],
    ],
)
def test_two_contents_or_names_of_one_message_are_a_lie(said: list[str]) -> None:
    with pytest.raises(TemporaryError, match="two things"):
        fetched(lines(*(f"* {line}" for line in said)))


def test_what_changes_or_is_the_same_may_be_told_again() -> None:
    said = [
        '* 1 FETCH (UID 7 FLAGS () BODY[] "a")',
        "* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[] NIL)",
        '* 1 FETCH (BODY[] "a" UID 7)',
    ]
    assert fetched(lines(*said)) == {
        7: {"UID": b"7", "FLAGS": (b"\\Seen",), "BODY[]": b"a"}
    }


def test_a_lie_about_whose_content_it_is_ends_the_connection() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 10:11",
            '* 5 FETCH (UID 10 BODY[] "one")',
            '* 5 FETCH (UID 11 BODY[] "two")',
        )
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError, match="two UIDs"):
            await mailbox.contents([10, 11])
        await used_no_more(mailbox)

    meet(server, client)


def test_flags_told_meanwhile_take_nothing_from_a_message() -> None:
    """The UIDs need two commands; the second answer has news of the first message."""
    uids = range(1, 4_000, 2)

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 1,3,", '* 1 FETCH (UID 1 BODY[HEADER]<0> "a: b")')
        await peer.answer("UID FETCH", "* 1 FETCH (UID 1 FLAGS (\\Seen))")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        (message,) = await mailbox.headers(uids)
        assert message.header.text("a") == "b"
        assert message.flags == {"\\Seen"}

    meet(server, client)


def test_items_come_in_any_order_and_the_messages_too() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1:3",
            '* 3 FETCH (BODY[] "three" FLAGS () UID 3)',
            "* 2 FETCH (FLAGS (\\Seen))",
            '* 1 FETCH (UID 1 BODY[] "one")',
            '* 2 FETCH (BODY[] "whose?")',
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.contents([1, 2, 3]) == {1: b"one", 3: b"three"}

    meet(server, client)


@pytest.mark.parametrize("storm", [["* 1 EXPUNGE"] * 10_000, ["* VANISHED 1:10000"]])
def test_a_storm_of_removals_harms_nothing(storm: list[str]) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=10_002)
        await peer.answer("UID SEARCH", "* SEARCH 20001 20002")
        await peer.answer(
            "UID FETCH 20001:20002",
            '* 10001 FETCH (UID 20001 BODY[] "one")',
            *storm,
            "* 1 FETCH (UID 20001 FLAGS (\\Seen))",
            '* 2 FETCH (UID 20002 BODY[] "two")',
        )
        tag = await peer.expect("IDLE")
        peer.say("+ idling", "* 2 EXISTS", "* 3 EXISTS")
        assert await peer.line() == "DONE"
        peer.say(f"{tag} OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [20001, 20002]
        contents = await mailbox.contents([20001, 20002])
        assert contents == {20001: b"one", 20002: b"two"}
        assert mailbox.pushes
        await mailbox.changed()  # the third one is news, as two were left

    meet(server, client)


@pytest.mark.parametrize(
    "line",
    ["* VANISHED 0:4294967295,99999999999", "* VANISHED ,:,", "* 9999999999 EXPUNGE"],
)
def test_a_removal_that_can_not_be_harms_nothing(line: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=1)
        await peer.answer("UID SEARCH", *[line] * 3, "* SEARCH 4")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [4]

    meet(server, client)
