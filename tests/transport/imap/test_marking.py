"""Flags, removal and Trash: these messages and no other, by proof."""

from __future__ import annotations

import pytest

from postroom.errors import PermanentError
from postroom.ports import Placement
from postroom.rules.effects import SetFlags
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import ALL, Peer, meet


def test_flags_cost_one_store_a_direction_and_a_look_at_what_was_not_told() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID STORE 1:3 +FLAGS ($a \\Seen)",
            "* 1 FETCH (UID 1 FLAGS ($a \\Seen))",
            "* 2 FETCH (FLAGS (\\Seen))",
        )
        await peer.answer("UID FETCH 2:3 (UID)", "* 2 FETCH (UID 2)")
        await peer.answer("UID STORE 1:3 -FLAGS (\\Flagged)", "* 1 FETCH (UID 1)")
        await peer.answer("UID FETCH 2:3 (UID)", "* 2 FETCH (UID 2)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        change = SetFlags(frozenset({"\\Seen", "$a"}), frozenset({"\\Flagged"}))
        assert await mailbox.set_flags([1, 2, 3], change) == {1, 2}

    meet(server, client)


@pytest.mark.parametrize(
    ("permanent", "flag", "kept"),
    [
        ("\\Seen \\*", "$new", True),
        ("\\Seen $OLD", "$old", True),
        ("\\Seen", "\\seen", True),
        ("\\Seen", "$new", False),
        ("\\Seen \\*", "\\Flagged", False),
        ("", "\\Seen", False),
    ],
)
def test_a_flag_that_would_not_be_kept_is_refused(
    permanent: str, flag: str, kept: bool
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.select(f"* OK [PERMANENTFLAGS ({permanent})] limited")
        if kept:
            await peer.answer("UID STORE", "* 1 FETCH (UID 1)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        change = SetFlags(frozenset({flag}))
        if kept:
            assert await mailbox.set_flags([1], change) == {1}
            return
        with pytest.raises(PermanentError, match="does not keep the flag"):
            await mailbox.set_flags([1], change)

    meet(server, client)


@pytest.mark.parametrize("flag", ["a b", "a)\r\nA1 LOGOUT", "ä", "\\", "\\*"])
def test_a_flag_that_can_be_none_is_never_sent(flag: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError):
            await mailbox.set_flags([1], SetFlags(frozenset({flag})))

    meet(server, client)


def test_an_expunge_takes_these_messages_and_no_other() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID STORE 1:2 +FLAGS (\\Deleted)", "* 1 FETCH (UID 1)")
        await peer.answer("UID FETCH 2 (UID)")
        await peer.answer("UID EXPUNGE 1", "* 1 EXPUNGE")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.expunge([1, 2]) == {1}

    meet(server, client)


# -- flags that are stored and then forgotten ----------------------------------------

LABEL = SetFlags(frozenset({"$Label"}))
UNSEEN = SetFlags(remove=frozenset({"\\Seen"}))


def told(uid: int, *flags: str) -> str:
    """What FETCH says of the flags of a message."""
    return f"* {uid} FETCH (UID {uid} FLAGS ({' '.join(flags)}))"


@pytest.mark.parametrize(
    ("change", "wrong", "right"),
    [(LABEL, [], ["$label"]), (UNSEEN, ["\\SEEN", "$x"], ["$x"])],
)
def test_a_flag_that_seems_not_to_be_kept_is_asked_for_once_more(
    change: SetFlags, wrong: list[str], right: list[str]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID STORE", told(1, *wrong), told(2, *right), told(3, *wrong)
        )
        await peer.answer("UID FETCH 1,3 (UID FLAGS)", told(1, *right))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.set_flags([1, 2, 3], change) == {1, 2}  # 3 is gone

    meet(server, client)


@pytest.mark.parametrize(
    ("change", "wrong", "why"),
    [
        (LABEL, ["\\Seen"], r"did not keep the flag \$Label"),
        (UNSEEN, ["\\Seen"], r"did not take away the flag \\Seen"),
    ],
)
def test_a_flag_that_is_not_kept_says_so(
    change: SetFlags, wrong: list[str], why: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID STORE", told(1, *wrong), told(2, *wrong))
        await peer.answer("UID FETCH 3 (UID)")
        await peer.answer("UID FETCH 1:2 (UID FLAGS)", told(1, *wrong), told(2, *wrong))
        await peer.answer("UID SEARCH", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match=why):
            await mailbox.set_flags([1, 2, 3], change)
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_where_some_keep_a_flag_the_others_are_left_out_and_refused_next_time() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID STORE 1:2", told(1, "$Label"), told(2))
        await peer.answer("UID FETCH 2 (UID FLAGS)", told(2))
        await peer.answer("UID STORE 2", told(2))
        await peer.answer("UID FETCH 2 (UID FLAGS)", told(2))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.set_flags([1, 2], LABEL) == {1}
        with pytest.raises(PermanentError, match="keep the flag"):
            await mailbox.set_flags([2], LABEL)

    meet(server, client)


def test_what_one_direction_did_not_do_the_other_does_not_hide() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID STORE 1 +FLAGS", told(1, "\\Seen"))
        await peer.answer("UID FETCH 1 (UID FLAGS)", told(1, "\\Seen"))
        await peer.answer("UID STORE 1 -FLAGS", told(1))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        both = SetFlags(LABEL.add, UNSEEN.remove)
        with pytest.raises(PermanentError, match=r"keep the flag \$Label"):
            await mailbox.set_flags([1], both)

    meet(server, client)


def test_an_expunge_does_not_ask_whether_the_mark_was_kept() -> None:
    """Some remove a message at once, and tell of the flags it had before."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID STORE 1 +FLAGS (\\Deleted)", told(1))
        await peer.answer("UID EXPUNGE 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.expunge([1]) == {1}

    meet(server, client)


# -- Trash -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boxes", "target"),
    [
        (['() "/" Trash', '(\\Trash) "/" "[Gmail]/Bin"'], "[Gmail]/Bin"),
        (['() "/" INBOX', '() "/" "deleted items"'], "deleted items"),
        (['(\\NoSelect) "/" Trash', '() "/" Papierkorb'], "Papierkorb"),
        (['() "/" INBOX'], "Trash"),
        ([], "Trash"),
    ],
)
def test_trash_is_what_the_server_says_or_what_is_usually_called_so(
    boxes: list[str], target: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('LIST "" "*"', *(f"* LIST {box}" for box in boxes))
        await peer.answer(f'UID MOVE 1 "{target}"', "* OK [COPYUID 9 1 5] x")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        for _ in range(2):
            assert await mailbox.trash_name() == target
        assert await mailbox.move([1], target) == {1: Placement(target, 9, 5)}

    meet(server, client)


def test_special_uses_are_asked_for_where_that_is_possible() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(ALL + " SPECIAL-USE LIST-EXTENDED")
        await peer.answer('LIST "" "*" RETURN (SPECIAL-USE)')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == "Trash"

    meet(server, client)


@pytest.mark.parametrize("opened", ["INBOX/Trash", "inbox/Trash", "Trash"])
@pytest.mark.parametrize("boxes", [["(\\Trash)"], ["()"], []])
def test_trash_under_a_prefix_is_called_as_it_was_opened(
    opened: str, boxes: list[str]
) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE")
        await peer.answer("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL NIL')
        await peer.select()
        listed = (f'* LIST {attributes} "." INBOX.Trash' for attributes in boxes)
        await peer.answer("LIST", '* LIST () "." INBOX', *listed)
        await peer.end()
        assert 'SELECT "INBOX.Trash"' in peer.heard

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == mailbox.name

    meet(server, client, mailbox=opened)
