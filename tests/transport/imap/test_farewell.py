"""A server may take its leave at any time: it is heard at once, and nothing hangs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from postroom.errors import TemporaryError
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.session import ImapSession
from tests.transport.imap.scripted import Peer, attend, meet, nothing

BYE = "* BYE going down"


async def in_the_greeting(peer: Peer) -> None:
    """Greet with the farewell."""


async def before_login(peer: Peer) -> None:
    """Say it when the client asks for the capabilities."""
    peer.say("* OK hello")
    await peer.expect("CAPABILITY")


async def in_login(peer: Peer) -> None:
    """Say it instead of the answer to LOGIN."""
    peer.say("* OK hello")
    await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
    await peer.expect("LOGIN")


async def after_login(peer: Peer) -> None:
    """Say it when the client asks for the capabilities again."""
    peer.say("* OK hello")
    await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
    await peer.answer("LOGIN")
    await peer.expect("CAPABILITY")


async def in_select(peer: Peer) -> None:
    """Say it amid the answer to SELECT."""
    await peer.log_in()
    await peer.expect("SELECT")
    peer.say("* 3 EXISTS")


async def in_status(peer: Peer) -> None:
    """Say it instead of the answer to STATUS."""
    await peer.begin()
    await peer.expect("STATUS")


async def in_fetch(peer: Peer) -> None:
    """Say it between two messages."""
    await peer.begin()
    await peer.answer("STATUS")
    await peer.expect("UID FETCH")
    peer.say("* 1 FETCH (UID 1 BODY[] {3}", "one)")


async def before_idle(peer: Peer) -> None:
    """Say it before IDLE has begun."""
    await peer.begin()
    await peer.answer("STATUS")
    await peer.answer("UID FETCH", "* 1 FETCH (UID 1 BODY[] {3}", "one)")
    await peer.expect("IDLE")


async def in_idle(peer: Peer) -> None:
    """Say it while the client waits."""
    await before_idle(peer)
    peer.say("+ idling")


async def at_done(peer: Peer) -> None:
    """Say it when the client leaves IDLE."""
    await in_idle(peer)
    peer.say("* 1 EXISTS")
    assert await peer.line() == "DONE"


STATES: list[Callable[[Peer], Awaitable[None]]] = [
    in_the_greeting,
    before_login,
    in_login,
    after_login,
    in_select,
    in_status,
    in_fetch,
    before_idle,
    in_idle,
    at_done,
]


async def everything(session: ImapSession) -> None:
    """Come through all states."""
    mailbox = await session.open("INBOX")
    await session.standing("Old")
    assert await mailbox.contents([1, 2]) == {1: b"one"}
    await mailbox.changed()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("said", [BYE, "* bye going down", f"{BYE}\r\n* 1 EXISTS"])
def test_a_farewell_is_an_error_at_once_with_what_was_said(
    state: Callable[[Peer], Awaitable[None]], said: str
) -> None:
    async def server(peer: Peer) -> None:
        await state(peer)
        peer.say(said)
        await peer.gone()  # the connection stays open: the word alone must do

    with pytest.raises(TemporaryError, match="going down"):
        attend(server, everything)


def test_a_farewell_that_nobody_waits_for_is_told_to_the_next_who_asks() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID SEARCH")
        peer.say("* SEARCH 1", f"{tag} OK done", BYE)
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [1]
        with pytest.raises(TemporaryError, match="going down"):
            await mailbox.uids_after(0)

    meet(server, client)


def test_a_farewell_within_a_literal_is_content() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        octets = f"a\r\n{BYE}\r\nb"
        await peer.answer(
            "UID FETCH", f"* 1 FETCH (UID 1 BODY[] {{{len(octets)}}}", f"{octets})"
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.contents([1]) == {1: f"a\r\n{BYE}\r\nb".encode()}

    meet(server, client)


def test_a_farewell_that_cuts_a_literal_short_ends_with_the_connection() -> None:
    """Framed it can't be: the octets are those of the literal, until it is cut off."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect("UID FETCH")
        peer.say("* 1 FETCH (UID 1 BODY[] {1000}", "half", BYE)
        peer.cut()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError, match="lost"):
            await mailbox.contents([1])

    meet(server, client)


@pytest.mark.parametrize(
    "last",
    [
        "* BYE bye\r\n{tag} OK done",
        "{tag} OK done\r\n* BYE bye",
        "* BYE bye",
        "{tag} NO stay",
        "{tag} BAD what",
        "",
    ],
)
def test_no_leave_is_an_error(last: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("LOGOUT")
        if last:
            peer.say(last.format(tag=tag))
        peer.cut()

    meet(server, nothing)


@pytest.mark.parametrize(
    "said",
    [
        "* 9 EXISTS",
        "* CAPABILITY IMAP4rev1 STARTTLS MOVE UIDPLUS",
        '* LIST () "." INBOX',
        "* PREAUTH you are in",
        '* 1 FETCH (UID 1 BODY[] "x")',
        "* OK [UIDVALIDITY 99] x",
        "* NO [AUTHENTICATIONFAILED] x",
        "* LOGOUT",
    ],
)
def test_what_is_said_before_the_login_changes_nothing(said: str) -> None:
    heard: list[str] = []

    async def server(peer: Peer) -> None:
        peer.say("* OK hello", said)
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        tag = await peer.expect("LOGIN")
        peer.say(said, f"{tag} OK in")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE")
        await peer.answer('LIST "" ""', '* LIST () "/" ""')
        await peer.select()
        await peer.answer("UID COPY", end="OK nothing told")
        await peer.answer("UID FETCH 1 (UID)")
        await peer.end()
        heard.extend(peer.heard)

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.newest() == 0  # no message was told of in the mailbox
        assert mailbox.uidvalidity == 7
        assert await mailbox.copy([1], "a/b") == {}

    meet(server, client)
    assert heard[5] == 'UID COPY 1 "a/b"'
