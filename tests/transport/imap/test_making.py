"""An absent target is made once, with all that is above it, or the message stays."""

from __future__ import annotations

import asyncio

import pytest

from postroom.errors import PermanentError, RefusedForNow
from postroom.ports import Mailbox, Placement
from postroom.transport.imap.mailbox import ImapMailbox
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.scripted import ALL, Peer, meet
from tests.transport.imap.served import on_dovecot
from tests.transport.served import Served, opened, subjects, use

MOVED = ("* OK [COPYUID 9 1 2] moved", "* 1 EXPUNGE")
ABSENT = "NO [NONEXISTENT] absent"


def moves(*answers: tuple[str, str, str], target: str = "a/b/c") -> None:
    """A move to a target succeeds after these commands, their data and answers."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(f'UID MOVE 1 "{target}"', end="NO [TRYCREATE] absent")
        for command, data, end in answers:
            await peer.answer(command, *([data] if data else []), end=end)
        await peer.answer(f'SUBSCRIBE "{target}"')
        await peer.answer(f'UID MOVE 1 "{target}"', *MOVED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], target) == {1: Placement(target, 9, 2)}

    meet(server, client)


def test_a_plain_refusal_of_what_another_made_meanwhile_is_none() -> None:
    moves(
        ('CREATE "Old"', "", "NO it exists"),
        ('LIST "" "*"', '* LIST () "/" Old', "OK done"),
        target="Old",
    )


@pytest.mark.parametrize("refusal", ["NO no parent", ABSENT, "NO [TRYCREATE] parent"])
def test_the_levels_above_are_made_where_the_server_does_not(refusal: str) -> None:
    moves(
        ('CREATE "a/b/c"', "", refusal),
        ('LIST "" "*"', '* LIST () "/" INBOX', "OK done"),
        ('CREATE "a"', "", "OK done"),
        ('CREATE "a/b"', "", "NO [ALREADYEXISTS] quick"),
        ('CREATE "a/b/c"', "", "OK done"),
    )


def test_a_level_that_can_not_be_made_may_be_there_and_be_no_mailbox() -> None:
    moves(
        ('CREATE "a/b/c"', "", "NO no parent"),
        ('LIST "" "*"', '* LIST (\\Noselect) "/" a', "OK done"),
        ('CREATE "a"', "", "NO [NOPERM] not yours"),
        ('LIST "" "*"', '* LIST (\\Noselect) "/" a', "OK done"),
        ('CREATE "a/b"', "", "OK done"),
        ('CREATE "a/b/c"', "", "NO it exists"),
        ('LIST "" "*"', '* LIST () "/" a/b/c', "OK done"),
    )


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("NO [NOPERM] why", PermanentError),
        ("NO [CANNOT] why", PermanentError),
        ("BAD why", PermanentError),
        ("NO [OVERQUOTA] why", RefusedForNow),
        ("NO [LIMIT] why", RefusedForNow),
    ],
)
def test_a_target_that_is_refused_leaves_the_message_and_tells_why(
    refusal: str, error: type[Exception]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(ALL.replace("MOVE", ""))
        await peer.answer('UID COPY 1 "a/b"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "a/b"', end=refusal)
        await peer.answer("UID SEARCH", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(error, match="why"):
            await mailbox.move([1], "a/b")
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_a_target_that_is_refused_at_every_step_tells_which_and_why() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "a/b"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "a/b"', end="NO no")
        await peer.answer("LIST")
        await peer.answer('CREATE "a"', end="OK done")
        await peer.answer('CREATE "a/b"', end="NO [CANNOT] never")
        await peer.answer("LIST")
        await peer.answer('UID MOVE 1 "x"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "x"', end="NO because")
        await peer.answer("LIST")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match=r"no mailbox a/b: .*never"):
            await mailbox.move([1], "a/b")
        with pytest.raises(PermanentError, match=r"no mailbox x: .*because"):
            await mailbox.move([1], "x")

    meet(server, client)


def test_nothing_is_made_below_a_level_that_is_refused() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "a/b/c"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "a/b/c"', end="NO no")
        await peer.answer("LIST")
        await peer.answer('CREATE "a"', end="NO not here")
        await peer.answer("LIST")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match=r"no mailbox a/b/c: .*not here"):
            await mailbox.move([1], "a/b/c")

    meet(server, client)


@pytest.mark.parametrize(
    ("spaces", "target", "listed"),
    [
        ('(("" "/")) (("Users/" "/")) (("Public/" "/"))', "Public/Team", None),
        ('(("" "/")) (("Users/" "/")) NIL', "Users/bob/Sent", None),
        ('(("" "/")) NIL (("Public/" "/"))', "Public", None),
        ('(("INBOX/" "/")) NIL (("" "/"))', "Team/New", "Team"),
    ],
)
def test_nothing_is_made_in_a_namespace_of_others(
    spaces: str, target: str, listed: str | None
) -> None:
    async def server(peer: Peer) -> None:
        await begin_with(peer, spaces)
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        if listed:
            await peer.answer('LIST "" "*"', f'* LIST () "/" {listed}')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match=r"not ours to make: .*absent"):
            await mailbox.move([1], target)

    meet(server, client)


def test_what_is_the_users_own_is_made_below_an_inbox_of_any_case() -> None:
    async def server(peer: Peer) -> None:
        await begin_with(peer, '(("INBOX." ".")) NIL NIL')
        await peer.answer('UID MOVE 1 "INBOX.New"', end="NO [TRYCREATE] absent")
        await peer.answer('LIST "" "*"', '* LIST () "." Inbox')
        await peer.answer('CREATE "Inbox.New"')
        await peer.answer("SUBSCRIBE")
        await peer.answer('UID MOVE 1 "Inbox.New"', *MOVED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        target = "INBOX/New"
        assert await mailbox.move([1], target) == {1: Placement(target, 9, 2)}

    meet(server, client)


async def begin_with(peer: Peer, spaces: str) -> None:
    """Let the client in and select, on a server of these namespaces."""
    peer.say("* OK hello")
    await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
    await peer.answer("LOGIN")
    await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE")
    await peer.answer("NAMESPACE", f"* NAMESPACE {spaces}")
    await peer.select()


@pytest.mark.parametrize("target", ["New", "Neu/Übung/2026 & (more) {5}"])
def test_two_that_make_the_same_target_at_once_both_arrive(
    target: str, dovecot: DovecotServer, certificates: Certificates
) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, _ = await mailbox.uids_after(0)
        async with opened(served.account, "INBOX") as other:
            placed = await asyncio.gather(
                mailbox.move([one], target), other.move([two], target)
            )
        assert [set(each) for each in placed] == [{one}, {two}]
        assert sorted(await subjects(served, target)) == ["one", "two"]

    use(on_dovecot(dovecot, certificates), story)
