"""However a mailbox is spelled, postroom knows it by one name: that of its watch."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import AuthenticationError, PermanentError, RefusedForNow
from postroom.ports import Placement
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.names import Names, Spellings
from postroom.transport.imap.session import ImapSession
from tests.transport.imap.scripted import (
    ALL,
    Peer,
    account_at,
    attend,
    meet,
    theatre,
)
from tests.transport.imap.test_names import DOTTED, LEVEL, SERVERS

MOVED = ("* OK [COPYUID 9 1 2] moved", "* 1 EXPUNGE")


async def log_in(peer: Peer) -> None:
    """Let the client in to a server whose mailboxes are all below `INBOX.`."""
    peer.say("* OK hello")
    await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
    await peer.answer("LOGIN")
    await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE")
    await peer.answer("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL NIL')


# -- one name --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "watched", "spelled", "name"),
    [
        (DOTTED, [], "INBOX/Work", "Work"),
        (DOTTED, [], "Work", "Work"),
        (DOTTED, ["Work"], "INBOX/Work", "Work"),
        (DOTTED, ["Work"], "inbox/Work", "Work"),
        (DOTTED, ["INBOX/Work"], "Work", "INBOX/Work"),
        (DOTTED, ["Work", "INBOX/Work"], "INBOX/Work", "Work"),
        (DOTTED, ["INBOX/Work", "Work"], "Work", "INBOX/Work"),
        (DOTTED, ["Work"], "INBOX/INBOX/Work", "INBOX/INBOX/Work"),
        (DOTTED, ["Work"], "Work/INBOX", "Work/INBOX"),
        (DOTTED, ["Work"], "work", "work"),
        (DOTTED, ["INBOX"], "inbox", "INBOX"),
        (DOTTED, ["a.b"], "a_b", "a.b"),
        (DOTTED, ["a_b"], "INBOX/a.b", "a_b"),
        (DOTTED, [], "a.b", "a_b"),
        (Names("/"), [], "a.b", "a.b"),
        (Names("/"), ["Work"], "INBOX/Work", "INBOX/Work"),
        (Names(None), ["a/b"], "a_b", "a/b"),
        (Names("/"), ["Bu\u0308ro"], "Büro", "Bu\u0308ro"),
        (Names("/"), [], "Bu\u0308ro", "Büro"),
        (DOTTED, ["a//b"], "a//b", "a//b"),
        (DOTTED, ["Work"], "inbox//x", "INBOX//x"),
    ],
)
def test_a_mailbox_has_the_name_of_its_watch_or_else_its_canonical_one(
    names: Names, watched: list[str], spelled: str, name: str
) -> None:
    assert Spellings(names, watched).of(spelled) == name


PATH = st.lists(LEVEL, min_size=1, max_size=3).map("/".join)


@given(PATH, PATH, st.sampled_from(SERVERS))
def test_only_names_of_one_mailbox_have_one_name(
    one: str, other: str, names: Names
) -> None:
    for watched in ([], [one], [other, one]):
        spellings = Spellings(names, watched)
        name = spellings.of(one)
        assert spellings.of(name) == name
        assert names.to_server(name) == names.to_server(one)
        same = names.to_server(one) == names.to_server(other)
        assert (spellings.of(other) == name) == same


# -- targets ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["Work", "INBOX/Work", "inbox/Work"])
@pytest.mark.parametrize(
    ("watched", "name"),
    [
        (["INBOX", "Work"], "Work"),
        (["INBOX", "INBOX/Work"], "INBOX/Work"),
        (["INBOX"], "Work"),
    ],
)
def test_a_target_is_called_as_it_is_watched_before_anything_is_moved(
    watched: list[str], name: str, rule: str
) -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.select()
        await peer.answer('UID MOVE 1 "INBOX.Work"', *MOVED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        meant = await mailbox.meant_by([rule])
        assert meant == {rule: name}
        assert await mailbox.move([1], meant[rule]) == {1: Placement(name, 9, 2)}

    meet(server, client, watched=watched)


def test_names_that_only_the_delimiter_makes_one_are_one_target() -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        meant = await mailbox.meant_by(["a_b", "a.b", "c_d", "c.d", "INBOX/c.d"])
        assert set(meant.values()) == {"a.b", "c_d"}

    meet(server, client, watched=["INBOX", "a.b"])


@pytest.mark.parametrize("watched", ["Müll", "INBOX/Müll"])
@pytest.mark.parametrize("octets", ["M&APw-ll", "Mu&Awg-ll"])
def test_trash_is_called_as_it_is_watched(octets: str, watched: str) -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.select()
        await peer.answer("LIST", f'* LIST (\\Trash) "." INBOX.{octets}')
        await peer.answer(f'UID MOVE 1 "INBOX.{octets}"', *MOVED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == watched
        for name in ("Müll", "INBOX/Müll"):
            assert await mailbox.meant_by([name]) == {name: watched}
        assert await mailbox.move([1], watched) == {1: Placement(watched, 9, 2)}

    meet(server, client, watched=["INBOX", watched])


@pytest.mark.parametrize("rule", ["Junk", "INBOX/Junk", "inbox/Spam"])
def test_a_usual_name_under_the_prefix_means_the_same_use(rule: str) -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.select()
        await peer.answer("LIST", '* LIST (\\Junk) "." INBOX.Mist')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.meant_by([rule]) == {rule: "INBOX/Mist"}

    meet(server, client, watched=["INBOX", "INBOX/Mist"])


# -- opening ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("INBOX/Work", "Work"),
        ("Work", "INBOX/Work"),
        ("a.b", "a_b"),
        ("INBOX/a_b", "a.b"),
        ("INBOX", "inbox"),
    ],
)
def test_a_mailbox_is_not_watched_a_second_time_under_another_name(
    first: str, second: str
) -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.select()
        await peer.answer("UID SEARCH", "* SEARCH 5")
        await peer.end()

    async def client(session: ImapSession) -> None:
        opened = await session.open(first)
        assert opened.name == first
        told = f"{second} is the same mailbox as {first}, which is watched already"
        with pytest.raises(PermanentError, match=told):
            await session.open(second)
        assert await opened.uids_after(0) == [5]  # it was not even left

    attend(server, client, watched=["Old", first, second])


def test_a_report_has_a_mailbox_as_it_is_watched() -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        boxes = (f'* LIST () "." {name}' for name in ("INBOX", "INBOX.a", "INBOX.b_c"))
        await peer.answer("LIST", *boxes)
        await peer.end()

    async def main() -> None:
        async with asyncio.timeout(30), theatre(server) as port:
            watched = ["INBOX", "INBOX/a", "b.c"]
            report = await account_at(port, watched=watched).probe()
            assert report.mailboxes == ("INBOX", "INBOX/a", "b.c")

    asyncio.run(main())


def test_a_report_has_every_name_by_which_a_mailbox_is_watched() -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.answer("LIST", '* LIST () "." INBOX.a', '* LIST () "." Shared')
        await peer.end()

    async def main() -> None:
        async with asyncio.timeout(30), theatre(server) as port:
            watched = ["a", "INBOX/a", "INBOX/Shared", "INBOX/b"]
            report = await account_at(port, watched=watched).probe()
            assert report.mailboxes == ("INBOX/Shared", "INBOX/a", "a")

    asyncio.run(main())


def test_a_report_tells_which_mailbox_serves_which_use() -> None:
    async def server(peer: Peer) -> None:
        await log_in(peer)
        marked = '* LIST (\\Trash) "." INBOX.Eimer'
        await peer.answer("LIST", marked, '* LIST () "." INBOX.Archiv')
        await peer.end()

    async def main() -> None:
        async with asyncio.timeout(30), theatre(server) as port:
            report = await account_at(port).probe()
            assert report.uses == {"Trash": "Eimer", "Archive": "Archiv"}

    asyncio.run(main())


# -- what is refused to one mailbox ----------------------------------------------------


@pytest.mark.parametrize(
    "code", ["AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"]
)
def test_after_the_login_no_refusal_is_one_of_the_credentials(code: str) -> None:
    refusal = f"NO [{code}] not for you"

    async def server(peer: Peer) -> None:
        await log_in(peer)
        await peer.answer("STATUS", end=refusal)
        await peer.answer("SELECT", end=refusal)
        await peer.select()
        for command in ("UID SEARCH", "UID FETCH", "UID MOVE", "LIST"):
            await peer.answer(command, end=refusal)
        await peer.answer("NOOP")
        await peer.end()

    async def client(session: ImapSession) -> None:
        assert await session.standing("Shared") is None
        with pytest.raises(PermanentError, match="not for you") as at_select:
            await session.open("Shared")
        mailbox = await session.open("INBOX")
        with pytest.raises(PermanentError, match="not for you") as at_search:
            await mailbox.uids_after(0)
        with pytest.raises(RefusedForNow, match="not for you"):
            await mailbox.headers([1])  # it may be about this message alone
        with pytest.raises(PermanentError, match="not for you") as at_move:
            await mailbox.move([1], "Shared")
        with pytest.raises(PermanentError, match="not for you") as at_list:
            await mailbox.trash_name()
        for raised in (at_select, at_search, at_move, at_list):
            assert not isinstance(raised.value, AuthenticationError)
        await session.prove()  # the session serves on

    attend(server, client)
