"""A mailbox is found under the server's name for it, whatever its octets are."""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Literal

import pytest

from postroom.errors import AbsentMailbox, PermanentError, RefusedForNow
from postroom.ports import Placement
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.tls import Tls
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.scripted import ALL, Peer, meet, nothing
from tests.transport.imap.served import dovecot_account
from tests.transport.served import letter, opened

SELECTED = ("* 0 EXISTS", "* OK [UIDVALIDITY 7] fine")
MOVED = ("* OK [COPYUID 9 1 2] moved", "* 1 EXPUNGE")
ABSENT = "NO [NONEXISTENT] absent"

# What a server may call the mailbox that a user calls `Entwürfe`: quoted or a literal.
TWINS = [
    b'"Entw\xc3\xbcrfe"',  # raw UTF-8
    b"{9}\r\nEntw\xc3\xbcrfe",
    b'"Entwu&Awg-rfe"',  # decomposed, as a Mac writes it
    b'"Entwu\xcc\x88rfe"',
]


def octets_of(twin: bytes) -> bytes:
    """What is in the quotes or the literal."""
    return twin.split(b"\r\n")[-1].strip(b'"')


async def hear(peer: Peer, command: bytes, name: bytes, *said: str, end: str) -> None:
    """Take a command on this very name, quoted or as a literal, and answer."""
    tag, _, line = (await peer.reader.readline()).partition(b" ")
    if name.isascii():
        assert line == command + b' "%s"\r\n' % name
    else:
        assert line == command + b" {%d}\r\n" % len(name)
        peer.say("+ go on")
        assert await peer.reader.readline() == name + b"\r\n"
    peer.say(*said, tag + b" " + end.encode())


# -- twins -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("refusal", [ABSENT, "NO no such mailbox"])
@pytest.mark.parametrize("twin", TWINS)
def test_a_mailbox_is_selected_by_the_octets_that_the_server_has_for_it(
    twin: bytes, refusal: str, form: Literal["NFC", "NFD"]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "Entw&APw-rfe"', end=refusal)
        await peer.answer('LIST "" "*"', b'* LIST () "/" ' + twin)
        await hear(peer, b"SELECT", octets_of(twin), *SELECTED, end="OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert mailbox.name == name
        here = {4: Placement(name, 7, 4)}
        assert await mailbox.move([4], unicodedata.normalize("NFC", name)) == here

    name = unicodedata.normalize(form, "Entwürfe")
    meet(server, client, mailbox=name)


@pytest.mark.parametrize("refusal", ["NO [TRYCREATE] absent", ABSENT, "NO no"])
@pytest.mark.parametrize("twin", TWINS)
def test_no_second_mailbox_is_made_beside_one_that_looks_the_same(
    twin: bytes, refusal: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "Entw&APw-rfe"', end=refusal)
        await peer.answer('LIST "" "*"', b'* LIST () "/" ' + twin)
        await hear(peer, b"UID MOVE 1", octets_of(twin), *MOVED, end="OK done")
        # From then on it is known.
        await hear(peer, b"UID COPY 1", octets_of(twin), *MOVED, end="OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        placed = {1: Placement("Entwürfe", 9, 2)}
        assert await mailbox.move([1], "Entwürfe") == placed
        assert await mailbox.copy([1], "Entwürfe") == placed

    meet(server, client)


def test_what_was_found_for_the_first_command_of_a_move_serves_for_the_next() -> None:
    uids = list(range(1_000_000_000, 1_000_002_000, 2))

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        await peer.answer('LIST "" "*"', '* LIST () "/" Entwu&Awg-rfe')
        await peer.answer("UID MOVE")
        await peer.answer("UID MOVE")
        await peer.end()
        found = [said.endswith('"Entwu&Awg-rfe"') for said in peer.heard[-4:-1]]
        assert found == [False, True, True]

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move(uids, "Entwürfe") == {}

    meet(server, client)


@pytest.mark.parametrize("delimiter", ['"."', "NIL"])
def test_a_name_with_a_slash_that_is_no_delimiter_is_found(delimiter: str) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL}")
        await peer.answer('LIST "" ""', f'* LIST (\\Noselect) {delimiter} ""')
        await peer.answer('SELECT "a_b"', end=ABSENT)
        await peer.answer('LIST "" "*"', f"* LIST () {delimiter} a/b")
        await peer.answer('SELECT "a/b"', *SELECTED)
        await peer.end()

    meet(server, nothing, mailbox="a_b")


def test_what_is_below_a_mailbox_of_raw_octets_is_made_below_these() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "Entw&APw-rfe/M&AOQ-rz"', end=ABSENT)
        await peer.answer("LIST", b'* LIST (\\Noselect) "/" "Entw\xc3\xbcrfe"')
        name = b"Entw\xc3\xbcrfe/M&AOQ-rz"
        await hear(peer, b"CREATE", name, end="OK done")
        await hear(peer, b"SUBSCRIBE", name, end="OK done")
        await hear(peer, b"UID MOVE 1", name, *MOVED, end="OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        target = "Entwürfe/März"
        assert await mailbox.move([1], target) == {1: Placement(target, 9, 2)}

    meet(server, client)


def test_a_mailbox_outside_of_the_prefix_is_found_and_not_made_again() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE")
        await peer.answer("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL (("" "."))')
        await peer.select()
        await peer.answer('UID MOVE 1 "INBOX.Public"', end="NO [TRYCREATE] absent")
        await peer.answer("LIST", '* LIST () "." Public', '* LIST () "." INBOX')
        await peer.answer('UID MOVE 1 "Public"', *MOVED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], "Public") == {1: Placement("Public", 9, 2)}

    meet(server, client)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_that_look_the_same_the_one_of_the_exact_name_counts(
    order: int,
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('UID MOVE 1 "Entw&APw-rfe"', end="NO no")
        both = [b'* LIST () "/" ' + name for name in (TWINS[0], b"Entw&APw-rfe")]
        await peer.answer("LIST", *both[::order])
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match="MOVE was refused: no"):
            await mailbox.move([1], "Entwürfe")

    meet(server, client)


@pytest.mark.parametrize("name", [b'"Entw&APw-rfe"', TWINS[0]])
def test_a_level_that_looks_the_same_is_not_the_mailbox(name: bytes) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", end=ABSENT)
        await peer.answer("LIST", b'* LIST (\\NoSelect) "/" ' + name)
        await peer.end()

    with pytest.raises(AbsentMailbox, match="no mailbox Entwürfe"):
        meet(server, nothing, mailbox="Entwürfe")


def test_a_mailbox_that_is_there_and_refuses_without_a_reason_is_asked_later() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "Entw&APw-rfe"', end="NO later")
        await peer.answer('LIST "" "*"', '* LIST () "/" Entw&APw-rfe')
        await peer.end()

    with pytest.raises(RefusedForNow, match="later"):
        meet(server, nothing, mailbox="Entwürfe")


@pytest.mark.parametrize("refusal", ["NO no", ABSENT])
@pytest.mark.parametrize("box", ['(\\Noselect) "/" a*b', '() "/" axb', '() "/" A*B'])
def test_what_a_wildcard_or_a_level_matches_is_not_the_mailbox(
    box: str, refusal: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "a*b"', end=refusal)
        if refusal == "NO no":
            await peer.answer('LIST "" "a*b"', f"* LIST {box}")
        await peer.end()

    with pytest.raises(AbsentMailbox, match="SELECT was refused"):
        meet(server, nothing, mailbox="a*b")


# -- nasty names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('a"b\\c', 'a\\"b\\\\c'),
        (" [x] (y) ", " [x] (y) "),
        ("a*b%c", "a*b%c"),
        ("a{5}", "a{5}"),
        ("NIL", "NIL"),
        ("\\Seen", "\\\\Seen"),
        ('" LOGOUT', '\\" LOGOUT'),
        ("x" * 900, "x" * 900),
    ],
)
def test_a_nasty_name_is_one_argument_of_every_command(name: str, written: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", *SELECTED)
        await peer.answer("UID MOVE", end="NO [TRYCREATE] absent")
        await peer.answer("CREATE")
        await peer.answer("SUBSCRIBE")
        await peer.answer("UID MOVE")
        await peer.end()
        target = f'"x/{written}"'
        assert peer.heard[4:-1] == [
            f'SELECT "{written}"',
            f"UID MOVE 1 {target}",
            f"CREATE {target}",
            f"SUBSCRIBE {target}",
            f"UID MOVE 1 {target}",
        ]

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.move([1], f"x/{name}") == {}

    meet(server, client, mailbox=name)


def test_a_name_that_can_be_none_is_never_sent() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        for name in ("a\r\nA1 DELETE b", "a\x00", "a//b", "x" * 1_001):
            with pytest.raises(PermanentError, match="mailbox"):
                await mailbox.copy([1], name)
            assert await mailbox.meant_by([name]) == {name: name}

    meet(server, client)


def test_where_only_utf8_is_spoken_it_is_said_and_written() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE UTF8=ONLY")
        await peer.answer("ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT")
        await peer.answer("NAMESPACE", b'* NAMESPACE (("M\xc3\xa4ps/" "/")) NIL NIL')
        name = "Mäps/R&D ä".encode()
        await hear(peer, b"SELECT", name, *SELECTED, end="OK done")
        await peer.answer(
            "LIST", b'* LIST (\\Trash) "/" "M\xc3\xa4ps/M\xc3\xbcll &AOQ-"'
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == "Müll &AOQ-"

    meet(server, client, mailbox="R&D ä")


def test_where_only_utf8_is_spoken_accents_have_two_forms_as_well() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} UTF8=ONLY")
        await peer.answer("ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT")
        await peer.answer('LIST "" ""', '* LIST () "/" ""')
        await hear(peer, b"SELECT", "é".encode(), end=ABSENT)
        await peer.answer("LIST", '* LIST () "/" "e\u0301"')
        await hear(peer, b"SELECT", "e\u0301".encode(), *SELECTED, end="OK done")
        await peer.end()

    meet(server, nothing, mailbox="é")


def test_where_utf8_is_a_choice_it_is_not_chosen() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in(ALL + " ENABLE UTF8=ACCEPT")
        await peer.answer('SELECT "R&-D &AOQ-"', *SELECTED)
        await peer.end()

    meet(server, nothing, mailbox="R&D ä")


# -- a real server ---------------------------------------------------------------------


def test_a_mailbox_with_decomposed_accents_gets_no_twin(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "U&Awg-bung")
    dovecot.backlog(user, [letter("one"), letter("two")])
    account = dovecot_account(dovecot, certificates, Tls.IMPLICIT, user)

    async def main() -> None:
        async with opened(account) as mailbox:
            one, two = await mailbox.uids_after(0)
            await mailbox.move([one], "Übung")
            await mailbox.move([two], "Übung/März")
        async with opened(account, "Übung") as there:
            assert len(await there.uids_after(0)) == 1

    asyncio.run(main())
    made = {"INBOX", "U\u0308bung", "U\u0308bung/März"}
    assert dovecot.mailboxes(user).keys() == made
