"""What a break left half done is found again, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Extent, Halfway, Placement, Resumed
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import Peer, Play, meet
from tests.transport.imap.test_filing import without

OLD = without("MOVE")
NOTED = Extent(9, 21)
DATE = "02-Mar-2026 12:00:00 +0100"


def letter(
    uid: int,
    name: str = "<1@example>",
    size: int = 99,
    date: str = DATE,
    more: str = "",
) -> str:
    """What FETCH says of a message of this Message-ID."""
    header = f"Message-ID: {name}\r\n{more}\r\n" if name else "\r\n"
    return (
        f"* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE {size} INTERNALDATE"
        f' "{date}" BODY[HEADER]<0> {{{len(header)}}}\r\n{header})'
    )


async def examine(peer: Peer, found: str = "", *letters: str) -> None:
    """Let the client look into the target, where a search finds these."""
    await peer.answer(
        'EXAMINE "Old"', "* 5 EXISTS", "* OK [UIDVALIDITY 9] fine", end="OK [READ-ONLY]"
    )
    await peer.answer(
        "UID SEARCH SINCE 1-Mar-2026 BEFORE 4-Mar-2026 LARGER 98 SMALLER 100",
        f"* SEARCH {found}",
    )
    if found:
        await peer.answer("UID FETCH", *letters)


def resumed(play: Play, expected: Resumed, move: bool = False) -> None:
    """Resume the copy of message 3 to `Old`: these are found."""

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.resume({3: NOTED}, "Old", move=move) == expected

    meet(play, client)


def test_a_copy_is_found_and_the_mailbox_selected_again() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer, "21", letter(21))
        await peer.select()
        await peer.end()

    resumed(server, Resumed({3: Placement("Old", 9, 21)}))


@pytest.mark.parametrize("uidplus", [True, False])
def test_a_move_that_was_copied_only_is_brought_to_its_end(uidplus: bool) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD if uidplus else without("MOVE", "UIDPLUS"))
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer, "21", letter(21))
        await peer.select()
        await peer.answer("UID STORE 3 +FLAGS (\\Deleted)", "* 1 FETCH (UID 3)")
        if uidplus:
            await peer.answer("UID EXPUNGE 3")
        await peer.end()

    resumed(server, Resumed({3: Placement("Old", 9, 21)}), move=True)


@pytest.mark.parametrize("refused", ["UID STORE", "UID EXPUNGE"])
def test_a_copy_that_may_not_be_removed_is_told_as_a_move_halfway(refused: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer, "21", letter(21))
        await peer.select()
        if refused == "UID EXPUNGE":
            await peer.answer("UID STORE", "* 1 FETCH (UID 3)")
        await peer.answer(refused, end="NO [NOPERM] not you")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(Halfway, match="not you") as raised:
            await mailbox.resume({3: NOTED}, "Old", move=True)
        assert raised.value.placed == {3: Placement("Old", 9, 21)}

    meet(server, client)


def test_a_server_that_moves_in_one_step_has_left_nothing() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    resumed(server, Resumed(), move=True)


@pytest.mark.parametrize(
    "other",
    [
        letter(21, name="<2@example>"),
        letter(21, size=98),
        letter(21, date="02-Mar-2026 12:00:01 +0100"),
        letter(21, more="Received: by another way\r\n"),
        letter(21, name=""),
        letter(22),
    ],
)
def test_what_is_not_the_same_message_is_no_copy(other: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer, "21", other)
        await peer.select()
        await peer.end()

    resumed(server, Resumed(), move=True)


DOUBTED = Resumed(doubtful=frozenset({3}))


@pytest.mark.parametrize("there", [[], [letter(3, name="")]])
def test_what_is_gone_or_can_not_be_recognised_is_not_looked_for(
    there: list[str],
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", *there)
        await peer.end()

    resumed(server, DOUBTED, move=True)


def test_one_copy_counts_for_one_of_two_twins() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3:4", letter(3), letter(4))
        await examine(peer)
        await peer.answer("UID SEARCH SINCE", "* SEARCH 21")
        await peer.answer("UID FETCH 21", letter(21))
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        found = await mailbox.resume({3: NOTED, 4: NOTED}, "Old", move=False)
        assert found == Resumed({3: Placement("Old", 9, 21)})

    meet(server, client)


def test_a_message_in_this_mailbox_is_no_copy_of_itself() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.resume({3: NOTED}, "inbox", move=False) == Resumed(
            doubtful=frozenset({3})
        )

    meet(server, client)


@pytest.mark.parametrize("refusal", ["NO [NONEXISTENT] no", "NO [NOPERM] no", "BAD no"])
def test_a_target_that_can_not_be_read_has_no_copies(refusal: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", end=refusal)
        await peer.select()
        await peer.end()

    expected = Resumed() if "NONEXISTENT" in refusal else DOUBTED
    resumed(server, expected)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [("NO [INUSE] later", RefusedForNow), ("BAD what", PermanentError)],
)
def test_after_a_refusal_the_mailbox_is_selected_again(
    refusal: str, error: type[Exception]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", "* 5 EXISTS", "* OK [UIDVALIDITY 9] fine")
        await peer.answer("UID SEARCH", end=refusal)
        await peer.select()
        await peer.answer("UID SEARCH UID", "* SEARCH 3")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(error):
            await mailbox.resume({3: NOTED}, "Old", move=False)
        assert await mailbox.uids_after(0) == [3]

    meet(server, client)


@pytest.mark.parametrize(
    "answer",
    [
        ("* 1 EXISTS", "* OK [UIDVALIDITY 8] anew", "OK done"),
        ("NO [NONEXISTENT] gone",),
        ("NO [INUSE] later",),
    ],
)
def test_without_a_way_back_the_connection_ends(answer: tuple[str, ...]) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", end="NO [NONEXISTENT] no")
        await peer.answer("SELECT", *answer[:-1], end=answer[-1])
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError) as raised:
            await mailbox.resume({3: NOTED}, "Old", move=False)
        assert not isinstance(raised.value, RefusedForNow)
        with pytest.raises(TemporaryError):
            await mailbox.uids_after(0)

    meet(server, client)


def test_what_arrives_while_the_client_looks_elsewhere_is_not_lost() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID SEARCH UID", "* SEARCH 3")
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer)
        # As many as before: one came and one went, and nobody was told.
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await mailbox.uids_after(0)
        await mailbox.resume({3: NOTED}, "Old", move=False)
        await mailbox.changed()  # at once

    meet(server, client)


@pytest.mark.parametrize("day", ["01-Jan-0001", "31-Dec-9999"])
def test_no_date_is_too_far_to_be_searched_for(day: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 3", letter(3, date=f"{day} 00:00:00 +0000", size=0)
        )
        await peer.answer("EXAMINE", "* 5 EXISTS", "* OK [UIDVALIDITY 9] fine")
        await peer.answer("UID SEARCH SINCE", "* SEARCH")
        await peer.select()
        await peer.end()
        assert any("LARGER 0 SMALLER 1" in command for command in peer.heard)

    resumed(server, Resumed())


# -- what lay there before -------------------------------------------------------------


@pytest.mark.parametrize("move", [False, True])
def test_a_twin_that_lay_there_before_is_no_copy(move: bool) -> None:
    """The last message is always found, whatever UIDs are asked for."""

    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", "* 5 EXISTS", "* OK [UIDVALIDITY 9] fine")
        await peer.answer("UID SEARCH", "* SEARCH 20")
        await peer.select()
        await peer.end()
        assert any(line.endswith("UID 21:*") for line in peer.heard)

    resumed(server, Resumed(), move)


def test_where_uids_were_given_anew_nobody_can_tell() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", "* 5 EXISTS", "* OK [UIDVALIDITY 8] fine")
        await peer.select()
        await peer.end()

    resumed(server, DOUBTED, move=True)


def test_where_no_extent_was_noted_nobody_can_tell() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer("UID FETCH 3", letter(3))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.resume({3: None}, "Old", move=True) == DOUBTED

    meet(server, client)


@pytest.mark.parametrize(
    ("told", "end", "expected"),
    [
        ('* STATUS "Old" (UIDVALIDITY 9 UIDNEXT 21)', "OK", Extent(9, 21)),
        ('* STATUS "Other" (UIDVALIDITY 9 UIDNEXT 21)', "OK", None),
        ('* STATUS "Old" (UIDVALIDITY 9)', "OK", None),
        ("* OK nothing", "NO [NONEXISTENT] no", Extent(None, 1)),
        ("* OK nothing", "NO [NOPERM] no", None),
        ("* OK nothing", "NO [INUSE] later", None),
        ("* OK nothing", "BAD no", None),
    ],
)
def test_the_extent_of_a_target_is_what_status_tells(
    told: str, end: str, expected: Extent | None
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(OLD)
        await peer.answer('STATUS "Old" (UIDVALIDITY UIDNEXT)', told, end=end)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.extent("Old", move=True) == expected

    meet(server, client)


def test_a_move_in_one_step_needs_no_extent() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.extent("Old", move=True) is None
        assert await mailbox.extent("INBOX", move=False) is None

    meet(server, client)
