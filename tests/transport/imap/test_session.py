"""A session is logged in and has its mailbox, or it is none."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from postroom.errors import AuthenticationError, PermanentError, TemporaryError
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.tls import Tls, Trust
from tests.transport.imap.scripted import (
    PATIENT,
    Peer,
    Play,
    account_at,
    meet,
    nothing,
    theatre,
)
from tests.transport.served import opened


def test_a_session_logs_in_selects_and_takes_its_leave() -> None:
    heard: list[str] = []

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.end()
        heard.extend(peer.heard)

    meet(server, nothing)
    assert heard == [
        "CAPABILITY",
        'LOGIN "ann" "secret"',
        "CAPABILITY",
        'LIST "" ""',
        'SELECT "INBOX"',
        "LOGOUT",
    ]


def open_once(play: Play, password: str = "secret", user: str = "ann") -> None:
    """Open the INBOX of an account and close it."""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            account = account_at(port, password=password, user=user)
            async with opened(account):
                pass

    asyncio.run(main())


def test_user_and_password_are_quoted() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer('LOGIN "ann \\"x\\"" "a\\\\b (c"', end="NO no")
        await peer.end()

    with pytest.raises(AuthenticationError):
        open_once(server, password="a\\b (c", user='ann "x"')


def test_a_password_beyond_ascii_goes_as_a_literal_when_it_is_asked_for() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        tag = await peer.expect('LOGIN "ann" {3}')
        peer.say("+ go on")
        assert await peer.line() == "pä"
        peer.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
        await peer.end()

    with pytest.raises(AuthenticationError):
        open_once(server, password="pä")


def test_a_farewell_instead_of_a_greeting_fails_at_once() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* BYE too busy\x1b[2J")
        await peer.gone()

    with pytest.raises(TemporaryError, match="too busy\ufffd"):
        open_once(server)


@pytest.mark.parametrize("greeting", ["220 smtp.example.org", "* 1 EXISTS", "A1 OK x"])
def test_a_greeting_that_is_not_of_imap_fails_at_once(greeting: str) -> None:
    async def server(peer: Peer) -> None:
        peer.say(greeting)
        await peer.gone()

    with pytest.raises(TemporaryError):
        open_once(server)


def test_a_greeting_that_never_comes_is_not_waited_for() -> None:
    async def server(peer: Peer) -> None:
        await peer.gone()

    with pytest.raises(TemporaryError, match="does not answer"):
        meet(server, nothing, timings=replace(PATIENT, connect=0.05))


def test_only_the_status_of_a_greeting_means_preauth() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK [ALERT] no PREAUTH here")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN", end="NO no")
        await peer.end()

    with pytest.raises(AuthenticationError):
        open_once(server)


def test_a_server_that_knows_us_is_not_told_the_password() -> None:
    heard: list[str] = []

    async def server(peer: Peer) -> None:
        peer.say("* PREAUTH welcome")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer('LIST "" ""', '* LIST () "/" ""')
        await peer.select()
        await peer.end()
        heard.extend(peer.heard)

    open_once(server)
    assert not any("LOGIN" in command for command in heard)


def test_what_was_announced_before_login_counts_no_more() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK [CAPABILITY IMAP4rev1 IDLE] hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE MOVE")
        await peer.answer("LOGIN", "* CAPABILITY IDLE", end="OK [CAPABILITY IDLE] in")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer('LIST "" ""', '* LIST () "/" ""')
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert not mailbox.pushes

    meet(server, client)


@pytest.mark.parametrize(
    ("mailboxes", "error"),
    [
        (['* LIST () "/" INBOX'], TemporaryError),
        (['* LIST () "/" "other"'], PermanentError),
        ([], PermanentError),
    ],
)
def test_a_select_refused_without_a_reason_is_for_good_if_the_mailbox_is_absent(
    mailboxes: list[str], error: type[Exception]
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", end="NO mailbox is away")
        await peer.answer('LIST "" "INBOX"', *mailboxes)
        await peer.end()

    with pytest.raises(error, match="is away"):
        open_once(server)


def test_a_mailbox_without_uidvalidity_is_not_used() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", "* 0 EXISTS")
        await peer.end()

    with pytest.raises(PermanentError, match="keeps no UIDs"):
        open_once(server)


@pytest.mark.parametrize(
    "said",
    [
        ["* OK [UIDVALIDITY 7] x"],
        ["* 0 EXISTS", "* OK [UIDVALIDITY x] x"],
        ["* 1 EXPUNGE", "* OK [UIDVALIDITY 7] x"],
        ["* 0 EXISTS", "* OK [UIDVALIDITY 4294967296] x"],
    ],
    ids=["no count", "no number", "no count but a removal", "too great"],
)
def test_a_mailbox_whose_numbers_make_no_sense_ends_the_session(
    said: list[str],
) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", *said)
        await peer.gone()

    with pytest.raises(TemporaryError):
        open_once(server)


@pytest.mark.parametrize("host", ["mail..example", "x" * 64 + ".example", "a\x00b"])
def test_a_host_that_can_be_none_is_refused_for_good(host: str) -> None:
    account = account_at(1, host=host, tls=Tls.IMPLICIT, trust=Trust())
    with pytest.raises(PermanentError, match="host"):
        asyncio.run(account.probe())


def test_the_name_of_the_mailbox_is_that_of_the_server() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 NAMESPACE")
        await peer.answer("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL NIL')
        await peer.answer(
            'SELECT "INBOX.Entw&APw-rfe.a_b\\"c"',
            "* 0 EXISTS",
            "* OK [UIDVALIDITY 7] fine",
        )
        await peer.end()

    meet(server, nothing, mailbox='Entwürfe/a.b"c')


def test_a_mailbox_whose_name_would_end_the_command_is_never_sent() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.end()

    with pytest.raises(PermanentError):
        meet(server, nothing, mailbox="a\r\nA1 DELETE INBOX")


def test_a_probe_tells_what_the_server_has() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in("IMAP4rev1 move", delimiter=".")
        await peer.answer(
            'LIST "" "*"',
            '* LIST () "." INBOX',
            '* LIST (\\NoSelect) "." x',
            '* LIST () "." "a* b"',
            '* LIST () "." Entw&APw-rfe.2026',
        )
        await peer.end()

    async def main() -> None:
        async with theatre(server) as port:
            report = await account_at(port).probe()
        assert report.capabilities == {"IMAP4REV1", "MOVE"}
        assert report.mailboxes == ("Entwürfe/2026", "INBOX", "a* b")
        assert report.delimiter == "."

    asyncio.run(main())


def test_an_alert_of_the_server_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.select("* OK [ALERT] your disk is full\x1b")
        await peer.end()

    open_once(server)
    assert "your disk is full\ufffd" in caplog.text


def test_no_log_of_the_library_can_hold_a_password() -> None:
    assert not logging.getLogger("aioimaplib").isEnabledFor(logging.DEBUG)
