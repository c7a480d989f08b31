"""Messages are moved and copied by proof, and what others marked is spared."""

from __future__ import annotations

import pytest

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Halfway, Placement
from postroom.rules.effects import SetFlags
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import ALL, Peer, meet

SEEN = SetFlags(add=frozenset({"\\Seen"}))


def without(*capabilities: str) -> str:
    """What a server announces that lacks these."""
    return " ".join(word for word in ALL.split() if word not in capabilities)


# -- MOVE ------------------------------------------------------------------------------


def test_a_move_tells_only_what_copyuid_proves() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            'UID MOVE 1:3 "Old/2026"',
            "* OK [COPYUID 9 1,3 21:22] moved",
            "* 1 EXPUNGE",
            "* 2 EXPUNGE",
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2, 3], "Old/2026") == {
            1: Placement("Old/2026", 9, 21),
            3: Placement("Old/2026", 9, 22),
        }

    meet(server, client)


def test_an_ok_for_messages_that_are_gone_is_no_move() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE 1:3", end="OK No messages found")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2, 3], "Old") == {}

    meet(server, client)


def test_a_move_without_uidplus_is_proved_by_looking_before_and_after() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(without("UIDPLUS"))
        await peer.answer(
            "UID FETCH 1:3 (UID)", "* 1 FETCH (UID 1)", "* 2 FETCH (UID 3)"
        )
        await peer.answer("UID MOVE 1,3", "* 1 EXPUNGE")
        await peer.answer("UID FETCH 1,3 (UID)", "* 1 FETCH (UID 3)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2, 3], "Old") == {1: Placement("Old")}

    meet(server, client)


def test_a_move_into_a_mailbox_that_keeps_no_uids_is_proved_by_looking() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE 1:2", "* 1 EXPUNGE", end="OK [UIDNOTSTICKY] done")
        await peer.answer("UID FETCH 1:2 (UID)", "* 1 FETCH (UID 2)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2], "Old") == {1: Placement("Old")}

    meet(server, client)


def test_a_move_to_where_it_is_is_done_at_once() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([4], "inbox") == {4: Placement("INBOX", 7, 4)}

    meet(server, client)


def test_nothing_to_do_costs_no_command() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([], "x") == {}
        assert await mailbox.copy([], "x") == {}
        assert await mailbox.headers([]) == []
        assert await mailbox.contents([]) == {}
        assert await mailbox.set_flags([], SEEN) == frozenset()
        assert await mailbox.expunge([]) == frozenset()

    meet(server, client)


@pytest.mark.parametrize("reason", ["TRYCREATE", "NONEXISTENT"])
@pytest.mark.parametrize(
    ("created", "subscribed"),
    [
        ("OK done", "OK done"),
        ("NO [ALREADYEXISTS] quick", "OK done"),
        ("OK done", "NO no"),
        ("OK done", "BAD what"),
    ],
)
def test_an_absent_target_is_made_once(
    reason: str, created: str, subscribed: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "Old"', end=f"NO [{reason}] absent")
        await peer.answer('CREATE "Old"', end=created)
        await peer.answer('SUBSCRIBE "Old"', end=subscribed)
        await peer.answer('UID MOVE 1 "Old"', "* OK [COPYUID 9 1 2] x", "* 1 EXPUNGE")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], "Old") == {1: Placement("Old", 9, 2)}

    meet(server, client)


def test_a_target_that_can_not_be_made_is_refused_for_good() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        await peer.answer("CREATE", end="NO [NOPERM] not you")
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        await peer.answer("CREATE")
        await peer.answer("SUBSCRIBE")
        await peer.answer("UID MOVE", end="NO [TRYCREATE] still absent")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match="not you"):
            await mailbox.move([1], "Old")
        with pytest.raises(PermanentError, match="still absent"):
            await mailbox.move([1], "Old")

    meet(server, client)


UNREADABLE = ["9 1:4000000000 1:4000000000", "9 1,2 5", "9", "9 1:* 1:*", '9 "" ""']


@pytest.mark.parametrize("told", UNREADABLE)
def test_a_copyuid_that_can_not_be_read_undoes_nothing(told: str) -> None:
    """It was done: an error would have it done again, and again."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID COPY 1:2", end=f"OK [COPYUID {told}] done")
        await peer.answer("UID FETCH 1:2 (UID)", "* 1 FETCH (UID 1)")
        await peer.answer(
            "UID MOVE 1:2", f"* OK [COPYUID {told}] x", "* 1 EXPUNGE", "* 1 EXPUNGE"
        )
        await peer.answer("UID FETCH 1:2 (UID)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.copy([1, 2], "Old") == {1: Placement("Old")}
        moved = await mailbox.move([1, 2], "Old")
        assert moved == dict.fromkeys([1, 2], Placement("Old"))

    meet(server, client)


def test_what_vanished_meanwhile_does_not_keep_the_others_from_being_moved() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE 1:2", end="NO [EXPUNGEISSUED] some are gone")
        await peer.answer("NOOP", "* 1 EXPUNGE")
        await peer.answer("UID MOVE 1:2", "* OK [COPYUID 9 2 5] x", "* 1 EXPUNGE")
        await peer.answer("UID FETCH 1", end="NO [EXPUNGEISSUED] some are gone")
        await peer.answer("NOOP")
        await peer.answer("UID FETCH 1", end="NO [EXPUNGEISSUED] again")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2], "Old") == {2: Placement("Old", 9, 5)}
        with pytest.raises(TemporaryError, match="again"):
            await mailbox.headers([1])

    meet(server, client)


@pytest.mark.parametrize("target", ["a\r\nb", "a\x00b", "", "a//b"])
def test_a_target_that_can_be_no_mailbox_is_never_sent(target: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError):
            await mailbox.move([1], target)
        with pytest.raises(PermanentError):
            await mailbox.copy([1], target)

    meet(server, client)


def test_the_name_of_a_target_is_quoted_and_encoded() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "a\\"b\\\\c (&AOQ-) * {5}"')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], 'a"b\\c (ä) * {5}') == {}

    meet(server, client)


def test_a_thousand_scattered_messages_are_moved_by_lines_of_8000_octets() -> None:
    uids = list(range(1_000_000_000, 1_000_003_000, 2))

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE")
        await peer.answer("UID MOVE")
        await peer.answer("UID MOVE")
        await peer.end()
        assert max(map(len, peer.heard)) < 7_900

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move(uids, "Old") == {}

    meet(server, client)


@pytest.mark.parametrize("refusal", ["NO [OVERQUOTA] full", "NO [CANNOT] no", "NO no"])
def test_a_refusal_midway_tells_what_was_moved_nevertheless(refusal: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        moved = ("* OK [COPYUID 9 1 21] moved", "* 1 EXPUNGE")
        await peer.answer("UID MOVE 1:3", *moved, end=refusal)
        await peer.answer("UID MOVE 2:3", end=refusal)
        if refusal == "NO no":
            await peer.answer('LIST "" "*"', '* LIST () "/" Old')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        placed = {1: Placement("Old", 9, 21)}
        assert await mailbox.move([1, 2, 3], "Old") == placed
        with pytest.raises((RefusedForNow, PermanentError)):
            await mailbox.move([2, 3], "Old")

    meet(server, client)


def test_a_refusal_after_what_was_moved_untold_is_raised() -> None:
    """What the first command moved can't be told from what the second one left."""
    uids = list(range(1_000_000_000, 1_000_002_000, 2))

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE", "* 1 EXPUNGE", end="OK [UIDNOTSTICKY] done")
        await peer.answer(
            "UID MOVE", "* OK [COPYUID 9 1000001998 1] x", end="NO [OVERQUOTA] full"
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(RefusedForNow):
            await mailbox.move(uids, "Old")

    meet(server, client)


def test_a_subscription_that_is_refused_for_now_keeps_nothing_from_its_place() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        await peer.answer("CREATE")
        await peer.answer("SUBSCRIBE", end="NO [LIMIT] later")
        await peer.answer("UID MOVE", "* OK [COPYUID 9 1 2] x", "* 1 EXPUNGE")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], "Old") == {1: Placement("Old", 9, 2)}

    meet(server, client)


# -- without MOVE ----------------------------------------------------------------------


def test_without_move_only_what_was_copied_is_removed() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(without("MOVE"))
        await peer.answer('UID COPY 1:3 "Old"', end="OK [COPYUID 9 1,3 21:22] done")
        await peer.answer("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        await peer.answer("UID EXPUNGE 1,3")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2, 3], "Old") == {
            1: Placement("Old", 9, 21),
            3: Placement("Old", 9, 22),
        }

    meet(server, client)


@pytest.mark.parametrize("refused", ["UID STORE", "UID EXPUNGE"])
def test_what_was_copied_and_may_not_be_removed_is_told_as_a_move_halfway(
    refused: str,
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(without("MOVE"))
        await peer.answer("UID COPY 1:2", end="OK [COPYUID 9 1:2 21:22] done")
        if refused == "UID EXPUNGE":
            await peer.answer("UID STORE")
        await peer.answer(refused, end="NO [NOPERM] not you")
        await peer.answer("UID COPY", end="OK [COPYUID 9 1:2 23:24] done")
        await peer.answer("UID STORE", end="NO [INUSE] later")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(Halfway, match="not you") as raised:
            await mailbox.move([1, 2], "Old")
        places = {1: Placement("Old", 9, 21), 2: Placement("Old", 9, 22)}
        assert raised.value.placed == places
        with pytest.raises(RefusedForNow, match="later"):  # it is asked again
            await mailbox.move([1, 2], "Old")

    meet(server, client)


def test_without_uidplus_nothing_is_ever_expunged() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(without("MOVE", "UIDPLUS"))
        await peer.answer("UID COPY 1:2")
        await peer.answer("UID FETCH 1:2 (UID)", "* 1 FETCH (UID 1)")
        await peer.answer("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        await peer.end()
        assert not any("EXPUNGE" in command for command in peer.heard)

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1, 2], "Old") == {1: Placement("Old")}
        with pytest.raises(PermanentError, match="UIDPLUS"):
            await mailbox.expunge([1])

    meet(server, client)


@pytest.mark.parametrize(
    "reason", ["OVERQUOTA", "SERVERBUG", "UNAVAILABLE", "LIMIT", "INUSE"]
)
@pytest.mark.parametrize("refused", ["UID COPY", "CREATE"])
def test_a_refusal_for_now_removes_nothing_and_the_connection_serves_on(
    reason: str, refused: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(without("MOVE"))
        if refused == "CREATE":
            await peer.answer("UID COPY", end="NO [TRYCREATE] absent")
        await peer.answer(refused, end=f"NO [{reason}] full")
        await peer.answer("UID SEARCH", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(RefusedForNow):
            await mailbox.move([1], "Old")
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_an_ok_for_messages_that_are_gone_is_no_copy() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID COPY 1:2", end="OK No messages found")
        await peer.answer("UID FETCH 1:2 (UID)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.copy([1, 2], "Old") == {}

    meet(server, client)
