"""Mailboxes are opened in turn on one connection, and never taken for one another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from postroom.errors import AbsentMailbox, PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Standing
from postroom.rules.effects import SetFlags
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.session import ImapSession
from tests.transport.imap.scripted import (
    Peer,
    account_at,
    attend,
    meet,
    theatre,
)

STATUS = 'STATUS "Old" (UIDVALIDITY UIDNEXT MESSAGES)'

# -- opening ---------------------------------------------------------------------------


def test_mailboxes_are_opened_in_turn_on_one_connection() -> None:
    heard: list[str] = []

    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.select()
        await peer.answer(
            'SELECT "Old"',
            "* OK [CLOSED] the other",
            "* 3 EXISTS",
            "* OK [UIDVALIDITY 8] x",
        )
        await peer.answer("UID SEARCH", "* SEARCH 5")
        await peer.end()
        heard.extend(peer.heard)

    async def client(session: ImapSession) -> None:
        inbox = await session.open("INBOX")
        old = await session.open("Old")
        assert (inbox.uidvalidity, old.uidvalidity) == (7, 8)
        assert await old.uids_after(0) == [5]

    attend(server, client)
    assert heard[4:] == [
        'SELECT "INBOX"',
        'SELECT "Old"',
        "UID SEARCH UID 1:*",
        "LOGOUT",
    ]


USES: dict[str, Callable[[ImapMailbox], Awaitable[object]]] = {
    "newest": lambda mailbox: mailbox.newest(),
    "uids_after": lambda mailbox: mailbox.uids_after(0),
    "headers": lambda mailbox: mailbox.headers([1]),
    "contents": lambda mailbox: mailbox.contents([1]),
    "present": lambda mailbox: mailbox.present([1]),
    "changed": lambda mailbox: mailbox.changed(),
    "set_flags": lambda mailbox: mailbox.set_flags([1], SetFlags(frozenset({"$x"}))),
    "copy": lambda mailbox: mailbox.copy([1], "x"),
    "move": lambda mailbox: mailbox.move([1], "x"),
    "extent": lambda mailbox: mailbox.extent("x", move=False),
    "resume": lambda mailbox: mailbox.resume({1: None}, "x", move=False),
    "trash_name": lambda mailbox: mailbox.trash_name(),
    "meant_by": lambda mailbox: mailbox.meant_by(["Junk"]),
    "expunge": lambda mailbox: mailbox.expunge([1]),
}


@pytest.mark.parametrize("use", USES)
def test_a_mailbox_that_was_left_can_not_be_used(use: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=1)
        await peer.select(exists=1)
        await peer.end()  # and no other command before

    async def client(session: ImapSession) -> None:
        left = await session.open("INBOX")
        await session.open("Old")
        with pytest.raises(RuntimeError, match="was left"):
            await USES[use](left)

    attend(server, client)


def test_news_of_a_mailbox_do_not_reach_the_next() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=3)
        await peer.answer("UID SEARCH", "* 4 EXISTS", "* SEARCH")
        # What the server said before it read the command is of the mailbox before.
        await peer.answer(
            'SELECT "Old"',
            "* 9 EXISTS",
            "* OK [UIDNEXT 99] x",
            "* ok [closed]",
            "* 0 EXISTS",
            "* OK [UIDVALIDITY 8] x",
        )
        tag = await peer.expect("IDLE")
        peer.say("+ idling", "* 1 EXISTS")
        assert await peer.line() == "DONE"
        peer.say(f"{tag} OK done")
        await peer.end()

    async def client(session: ImapSession) -> None:
        inbox = await session.open("INBOX")
        await inbox.uids_after(0)
        old = await session.open("Old")
        assert old.uidnext is None
        assert await old.newest() == 0  # it is empty: nothing has to be asked
        await old.changed()

    attend(server, client)


def test_counts_of_the_mailbox_before_are_not_those_of_this_one() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        closed = ["* 9 EXISTS", "* OK [CLOSED] x", "* OK [UIDVALIDITY 8] x"]
        await peer.answer("SELECT", *closed)
        await peer.gone()

    async def client(session: ImapSession) -> None:
        await session.open("INBOX")
        with pytest.raises(TemporaryError, match="how many messages"):
            await session.open("Old")

    attend(server, client)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("NO [NONEXISTENT] gone", AbsentMailbox),
        ("NO [TRYCREATE] make it", AbsentMailbox),
        ("NO no", AbsentMailbox),
        ("NO [NOPERM] not yours", PermanentError),
        ("NO [INUSE] later", RefusedForNow),
        ("BAD what", PermanentError),
    ],
)
def test_a_mailbox_that_can_not_be_opened_leaves_the_session_as_it_is(
    refusal: str, error: type[Exception]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('SELECT "Old"', end=refusal)
        if refusal == "NO no":
            await peer.answer('LIST "" "Old"')
        await peer.answer('STATUS "INBOX"')  # as it is no longer the one selected
        await peer.select()
        await peer.answer("UID SEARCH", "* SEARCH 5")
        await peer.end()

    async def client(session: ImapSession) -> None:
        left = await session.open("INBOX")
        with pytest.raises(error) as raised:
            await session.open("Old")
        assert isinstance(raised.value, AbsentMailbox) == (error is AbsentMailbox)
        with pytest.raises(RuntimeError):
            await left.uids_after(0)
        assert await session.standing("INBOX") is None
        assert await (await session.open("INBOX")).uids_after(0) == [5]

    attend(server, client)


@pytest.mark.parametrize(
    ("code", "uidnext"),
    [
        ("* OK [UIDNEXT 44] next", 44),
        ("* OK [UIDNEXT 43] x\r\n* ok [uidnext 44]", 44),
        ("* OK [UIDNEXT 0] none", None),
        ("* OK [UIDNEXT -1] none", None),
        ("* OK [UIDNEXT] none", None),
        ("* OK [UIDNEXT x] none", None),
        ("* OK [UIDNEXT 4294967296] none", None),
        ("* OK nothing", None),
    ],
)
def test_uidnext_is_what_select_told_or_unknown(code: str, uidnext: int | None) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.select(code)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert mailbox.uidnext == uidnext

    meet(server, client)


@pytest.mark.parametrize("codes", [["0"], ["9", "0"], ["x", "0"]])
def test_the_last_uidvalidity_counts_and_0_is_one(codes: list[str]) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        told = [f"* OK [UIDVALIDITY {code}] x" for code in codes]
        await peer.answer("SELECT", "* 0 EXISTS", *told)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert mailbox.uidvalidity == 0

    meet(server, client)


# -- standing --------------------------------------------------------------------------

TELLING = "(MESSAGES 3 UIDVALIDITY 8 UIDNEXT 44)"


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ([f'"Old" {TELLING}'], Standing(8, 44, 3)),
        (
            ['Old (uidnext 44 uidvalidity 0 messages 0 RECENT 1 X "(")'],
            Standing(0, 44, 0),
        ),
        (['"Old" (MESSAGES 1)', f"{{3}}\r\nOld {TELLING}"], Standing(8, 44, 3)),
        (['"Old" ()'], None),
        (['"Old" (MESSAGES 3 UIDVALIDITY 8)'], None),
        (['"Old" (MESSAGES 3 UIDNEXT 44)'], None),
        (['"Old" (UIDVALIDITY 8 UIDNEXT 44)'], None),
        (['"Old" (MESSAGES 3 UIDVALIDITY 8 UIDNEXT 0)'], None),
        (['"Old" (MESSAGES 3 UIDVALIDITY 8 UIDNEXT NIL)'], None),
        ([f'"Older" {TELLING}'], None),
        ([], None),
    ],
)
def test_the_standing_of_a_mailbox_is_told_whole_or_not_at_all(
    said: list[str], standing: Standing | None
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(STATUS, *(f"* STATUS {line}" for line in said))
        await peer.answer("UID SEARCH", "* SEARCH 5")
        await peer.end()

    async def client(session: ImapSession) -> None:
        inbox = await session.open("INBOX")
        assert await session.standing("Old") == standing
        assert await inbox.uids_after(0) == [5]  # it is still the one selected

    attend(server, client)


@pytest.mark.parametrize("opened", ["INBOX", "inbox"])
def test_the_mailbox_that_is_selected_is_not_asked_for_its_standing(
    opened: str,
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('STATUS "INBOX"', f"* STATUS inbox {TELLING}")
        await peer.select()
        await peer.end()

    async def client(session: ImapSession) -> None:
        assert await session.standing("INBOX") == Standing(8, 44, 3)
        await session.open(opened)
        assert await session.standing("INBOX") is None

    attend(server, client)


@pytest.mark.parametrize("refusal", ["NO no", "BAD what", "NO [NONEXISTENT] gone"])
def test_a_refused_status_leaves_it_to_opening(refusal: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("STATUS", end=refusal)
        await peer.end()

    async def client(session: ImapSession) -> None:
        assert await session.standing("Old") is None

    attend(server, client)


def test_a_status_refused_for_now_says_so() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("STATUS", end="NO [UNAVAILABLE] later")
        await peer.answer("NOOP")
        await peer.end()

    async def client(session: ImapSession) -> None:
        with pytest.raises(RefusedForNow):
            await session.standing("Old")
        await session.prove()

    attend(server, client)


@pytest.mark.parametrize(
    "told",
    [
        "Old (MESSAGES x UIDVALIDITY 8 UIDNEXT 44)",
        "Old (MESSAGES 3 UIDVALIDITY 4294967296 UIDNEXT 44)",
        "Old (MESSAGES",
        "(Old) ()",
    ],
)
def test_a_status_that_makes_no_sense_ends_the_connection(told: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("STATUS", f"* STATUS {told}")
        await peer.gone()

    async def client(session: ImapSession) -> None:
        with pytest.raises(TemporaryError):
            await session.standing("Old")
        with pytest.raises(TemporaryError):
            await session.prove()

    attend(server, client)


# -- generations -----------------------------------------------------------------------


def test_each_connection_of_an_account_has_a_greater_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("NOOP", "* OK [ALERT] your disk is full")
        await peer.end()

    async def main() -> None:
        async with theatre(server) as port:
            account = account_at(port)
            async with account.connect() as first, account.connect() as second:
                assert (first.generation, second.generation) == (1, 2)
                await second.prove()
                assert "connection 2" in caplog.text
                await first.prove()
                assert "connection 1" in caplog.text

    asyncio.run(main())
