"""A usual name means the mailbox of that use, whatever it is called on the server."""

from __future__ import annotations

import unicodedata

import pytest

from postroom.errors import AbsentMailbox, PermanentError
from postroom.ports import Mailbox, Placement
from postroom.transport.imap.listing import Listing
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.names import Names, to_octets
from postroom.transport.imap.responses import Listed
from postroom.transport.imap.session import ImapSession
from postroom.transport.imap.specialuse import (
    ARCHIVE,
    DRAFTS,
    JUNK,
    SENT,
    TRASH,
    USES,
    SpecialUse,
    use_of,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.scripted import ALL, Peer, attend, meet
from tests.transport.imap.served import on_dovecot
from tests.transport.served import Served, use

OPENED = ("* 0 EXISTS", "* OK [UIDVALIDITY 7] fine")
GMAIL = (
    '(\\HasNoChildren) "/" "INBOX"',
    '(\\HasChildren \\Noselect) "/" "[Gmail]"',
    '(\\All \\HasNoChildren) "/" "[Gmail]/All Mail"',
    '(\\Drafts \\HasNoChildren) "/" "[Gmail]/Drafts"',
    '(\\HasNoChildren \\Sent) "/" "[Gmail]/Gesendet"',
    '(\\HasNoChildren \\Junk) "/" "[Gmail]/Spam"',
    '(\\HasNoChildren \\Trash) "/" "[Gmail]/Bin"',
    '(\\HasNoChildren) "/" "Newsletters"',
)


def means(
    name: str,
    expected: str,
    *boxes: str,
    opened: str = "INBOX",
    listings: int = 1,
) -> None:
    """On a server that lists these a name means this one, however often it is asked."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        for _ in range(listings):
            await peer.answer('LIST "" "*"', *(f"* LIST {box}" for box in boxes))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        for _ in range(2):
            assert await mailbox.meant_by([name]) == {name: expected}

    meet(server, client, mailbox=opened)


# -- the table -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("special", "names"),
    [
        (
            TRASH,
            ["Trash", "deleted items", "BIN", "Papierkorb", "Corbeille", "Корзина"],
        ),
        (TRASH, ["Gelöschte Elemente", "Cestino", "Papelera", "Prullenbak", "Kosz"]),
        (JUNK, ["Junk", "JUNK E-MAIL", "Spam", "Bulk Mail", "Courrier indésirable"]),
        (ARCHIVE, ["Archive", "archives", "Archiv", "Archivio", "Архив"]),
        (SENT, ["Sent", "Sent Items", "Gesendet", "Envoyés", "Отправленные"]),
        (DRAFTS, ["Drafts", "Entwürfe", "Brouillons", "Черновики", "下書き"]),
    ],
)
def test_usual_names_tell_the_use(special: SpecialUse, names: list[str]) -> None:
    for name in names:
        for form in ("NFC", "NFD"):
            assert use_of(unicodedata.normalize(form, name)) is special


@pytest.mark.parametrize(
    "name", ["INBOX", "", "Archive/2026", "Trash/", "Bulk", "Lists", "[Gmail]/Trash"]
)
def test_any_other_name_tells_no_use(name: str) -> None:
    assert use_of(name) is None


def test_no_usual_name_tells_two_uses() -> None:
    for special in USES:
        for name in special.usual:
            assert use_of(name) is special
            assert unicodedata.is_normalized("NFC", name)
            assert "\n" not in name
            assert name == name.strip() != ""


# -- what a name means -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Junk", "[Gmail]/Spam"),
        ("spam", "[Gmail]/Spam"),
        ("Trash", "[Gmail]/Bin"),
        ("Gelöschte Elemente", "[Gmail]/Bin"),
        ("Sent", "[Gmail]/Gesendet"),
        ("Entwürfe", "[Gmail]/Drafts"),
    ],
)
def test_a_usual_name_means_what_the_server_has_for_it(
    name: str, expected: str
) -> None:
    means(name, expected, *GMAIL)


@pytest.mark.parametrize("name", ["Newsletters", "newsletters", "Work/2026", "a//b"])
def test_a_name_of_no_use_is_itself_and_nobody_is_asked(name: str) -> None:
    means(name, name, listings=0)


def test_what_is_below_a_usual_name_is_below_what_the_server_has_for_it() -> None:
    means("Archive/2026", "Archived/2026", '(\\Archive) "/" Archived')
    means("Archive/2026", "Archive/2026", '() "/" Other', listings=2)
    means("Archive/2026", "Archive/2026", '() "/" Archive', '(\\Archive) "/" Old')


def test_a_mailbox_of_exactly_that_name_is_meant_whatever_it_is_below() -> None:
    listed = ('(\\Sent) "/" "Sent Items"', '() "/" Sent/old')
    means("Sent/old", "Sent/old", *listed)
    means("Sent/new", "Sent Items/new", *listed)


def test_inbox_and_accents_have_one_form() -> None:
    means("inbox", "INBOX", listings=0)
    means("Bu\u0308ro", "Büro", listings=0)


def test_a_mailbox_of_exactly_that_name_comes_first() -> None:
    means("Junk", "Junk", '() "/" Junk', *GMAIL)
    means("junk", "[Gmail]/Spam", '() "/" Junk', *GMAIL)


@pytest.mark.parametrize("attribute", ["\\Noselect", "\\NonExistent"])
def test_what_can_not_be_selected_is_no_mailbox(attribute: str) -> None:
    means("Junk", "Spam", f'({attribute}) "/" Junk', '(\\Junk) "/" Spam')
    means("Junk", "Spam", f'({attribute} \\Junk) "/" Müll', '() "/" Spam')


def test_the_attribute_of_before_the_rfc_counts() -> None:
    means("Junk", "Mist", '(\\Spam) "/" Mist')


def test_without_attributes_a_usual_name_that_is_there_serves() -> None:
    means("Archive", "archiv", '() "/" archiv')
    means("Papierkorb", "Deleted Items", '() "/" Bin', '() "/" "Deleted Items"')


def test_where_there_is_none_it_is_itself_and_looked_for_once() -> None:
    means("Junk", "Junk", '() "/" INBOX', '(\\Trash) "/" Bin', listings=1)


def test_what_is_missing_from_an_old_list_is_looked_for_once_in_a_new_one() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("LIST", '* LIST (\\Trash) "/" Bin')
        await peer.answer("LIST", '* LIST (\\Trash) "/" Bin')
        await peer.answer('UID COPY 1 "Old"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "Old"')
        await peer.answer("SUBSCRIBE")
        await peer.answer('UID COPY 1 "Old"', "* OK [COPYUID 9 1 2] x")
        await peer.answer("LIST", '* LIST (\\Junk) "/" Mist')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == "Bin"
        for _ in range(3):
            assert await mailbox.meant_by(["Junk"]) == {"Junk": "Junk"}
        await mailbox.copy([1], "Old")  # something has changed
        assert await mailbox.meant_by(["Junk"]) == {"Junk": "Mist"}

    meet(server, client)


def test_what_was_not_found_makes_the_list_old() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", *OPENED)
        await peer.answer("LIST", '* LIST () "/" INBOX')
        await peer.answer("SELECT", end="NO [NONEXISTENT] absent")
        await peer.answer("SELECT", *OPENED)
        await peer.answer("LIST", '* LIST (\\Junk) "/" Mist')
        await peer.end()

    async def client(session: ImapSession) -> None:
        mailbox = await session.open("INBOX")
        assert await mailbox.meant_by(["Junk"]) == {"Junk": "Junk"}
        with pytest.raises(AbsentMailbox):
            await session.open("Old")
        mailbox = await session.open("INBOX")
        assert await mailbox.meant_by(["Junk"]) == {"Junk": "Mist"}

    attend(server, client)


# -- two that look the same ------------------------------------------------------------


RAW = b'* LIST (\\Trash) "/" "M\xc3\xbcll"'


def test_a_mailbox_that_only_looks_like_the_trash_is_not_the_trash() -> None:
    """What is deleted in the Trash is gone for good."""

    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "M&APw-ll"', *OPENED)
        await peer.answer("LIST", '* LIST () "/" "M&APw-ll"', RAW)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == "Trash"

    meet(server, client, mailbox="Müll")


def test_a_mailbox_that_is_not_listed_is_not_the_trash_that_looks_like_it() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "M&APw-ll"', *OPENED)
        await peer.answer("LIST", RAW)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match="Müll is the Trash, and another"):
            await mailbox.trash_name()

    meet(server, client, mailbox="Müll")


def test_the_trash_of_strange_octets_is_the_trash_when_it_is_open() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer('SELECT "M&APw-ll"', end="NO [NONEXISTENT] absent")
        await peer.answer("LIST", '* LIST (\\Trash) "/" Mu&Awg-ll')
        await peer.answer('SELECT "Mu&Awg-ll"', *OPENED)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == mailbox.name == "Müll"

    meet(server, client, mailbox="Müll")


@pytest.mark.parametrize(
    ("others", "trash"),
    [
        ([], b"Trash"),
        ([Listed(b"INBOX.Trash", ".", frozenset())], b"INBOX.Trash"),
        ([Listed(b"INBOX.Bin", ".", frozenset())], b"Trash"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_what_serves_is_what_commands_reach(
    others: list[Listed], trash: bytes, order: int
) -> None:
    names = Names(".", "INBOX.")
    marked = Listed(b"Trash", ".", frozenset({"\\trash"}))
    unheard = Listed(b"a..b", ".", frozenset({"\\trash"}))  # no user's name is it
    listing = Listing(names, [unheard, *[*others, marked][::order]])
    found = listing.serving(TRASH)
    assert found is not None
    assert found.name == trash
    assert to_octets(listing.to_server(names.to_user(found.name))) == trash


def test_what_others_share_is_not_ours() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", f"* CAPABILITY {ALL} NAMESPACE")
        namespaces = '* NAMESPACE (("INBOX." ".")) (("user." ".")) NIL'
        await peer.answer("NAMESPACE", namespaces)
        await peer.select()
        boxes = ('(\\Trash \\Junk) "." user.bob.Bin', '(\\Junk) "." INBOX.Mist')
        await peer.answer("LIST", *(f"* LIST {box}" for box in boxes))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.trash_name() == "Trash"
        assert await mailbox.meant_by({"Spam"}) == {"Spam": "Mist"}

    meet(server, client)


@pytest.mark.parametrize(
    ("name", "opened", "listings"),
    [("Junk", "[Gmail]/Spam", 1), ("INBOX", "inbox", 0), ("Büro", "Bu\u0308ro", 0)],
)
def test_the_mailbox_that_is_open_is_called_as_it_was_opened(
    name: str, opened: str, listings: int
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        for _ in range(listings):
            await peer.answer("LIST", *(f"* LIST {box}" for box in GMAIL))
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.meant_by([name]) == {name: mailbox.name}
        here = Placement(mailbox.name, 7, 4)
        assert await mailbox.move([4], name if name != "Junk" else opened) == {4: here}

    meet(server, client, mailbox=opened)


def test_many_names_cost_one_listing_and_what_is_made_is_found() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer('LIST "" "*"', *(f"* LIST {box}" for box in GMAIL))
        await peer.answer('UID MOVE 1 "Old"', end="NO [TRYCREATE] absent")
        await peer.answer('CREATE "Old"')
        await peer.answer("SUBSCRIBE")
        await peer.answer('UID MOVE 1 "Old"', "* OK [COPYUID 9 1 2] x")
        await peer.answer('LIST "" "*"', '* LIST () "/" Junk')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        names = ["Junk", "Trash", "Old"]
        meant = {"Junk": "[Gmail]/Spam", "Trash": "[Gmail]/Bin", "Old": "Old"}
        assert await mailbox.meant_by(names) == meant
        assert await mailbox.trash_name() == "[Gmail]/Bin"
        assert await mailbox.move([1], "Old") == {1: Placement("Old", 9, 2)}
        assert await mailbox.meant_by(["Junk"]) == {"Junk": "Junk"}

    meet(server, client)


def test_dovecot_files_junk_where_its_spam_is(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, _ = await mailbox.uids_after(0)
        await mailbox.copy([one], "Spam")
        meant = await mailbox.meant_by({"Junk", "spam", "Spam", "Trash"})
        assert meant == {
            "Junk": "Spam",
            "spam": "Spam",
            "Spam": "Spam",
            "Trash": "Trash",
        }
        await mailbox.move([two], meant["Junk"])
        assert (await served.contents()).keys() == {"INBOX", "Spam"}

    use(on_dovecot(dovecot, certificates), story)
