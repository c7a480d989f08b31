"""A session is as protected as it was asked to be, or it is none."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.errors import (
    PermanentError,
    TemporaryError,
    TooManyConnections,
    Unreached,
)
from postroom.transport.imap.server import Timings
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.transport.imap.scripted import PATIENT, Peer, Play, account_at, theatre
from tests.transport.served import opened


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority of our own."""
    return Certificates.issue(tmp_path)


def open_with_starttls(play: Play, trust: Trust, timings: Timings = PATIENT) -> None:
    """Open the INBOX of an account that asks for STARTTLS."""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            account = account_at(port, tls=Tls.STARTTLS, trust=trust, timings=timings)
            async with opened(account):
                pass

    asyncio.run(main())


def test_without_starttls_nothing_is_said_in_the_clear() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.gone()

    with pytest.raises(PermanentError, match="does not offer STARTTLS"):
        open_with_starttls(server, Trust())


def test_a_server_that_skips_starttls_by_preauth_is_refused() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* PREAUTH welcome")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        await peer.gone()

    with pytest.raises(PermanentError, match="PREAUTH"):
        open_with_starttls(server, Trust())


@pytest.mark.parametrize("more", [b"* CAPABILITY IDLE\r\n", b"* OK half a li"])
def test_what_follows_the_answer_to_starttls_in_the_clear_is_refused(
    more: bytes,
) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        tag = await peer.expect("STARTTLS")
        peer.writer.write(f"{tag} OK begin\r\n".encode() + more)
        await peer.gone()

    with pytest.raises(TemporaryError, match="in the clear"):
        open_with_starttls(server, Trust())


def test_after_starttls_everything_is_asked_again_in_tls(
    certificates: Certificates,
) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS MOVE")
        await peer.answer("STARTTLS")
        await peer.writer.start_tls(certificates.server_context())
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED")
        await peer.end()

    with pytest.raises(PermanentError, match="passwords are refused"):
        open_with_starttls(server, Trust(certificates.authority))


def test_a_certificate_that_nobody_vouches_for_ends_the_session(
    certificates: Certificates,
) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        await peer.answer("STARTTLS")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await peer.writer.start_tls(certificates.server_context())

    with pytest.raises(TemporaryError, match="certificate"):
        open_with_starttls(server, Trust())


FULL = "* BYE [LIMIT] too many connections"


@pytest.mark.parametrize("when", ["greeting", "CAPABILITY", "STARTTLS"])
def test_in_the_clear_nobody_can_say_that_there_are_too_many(when: str) -> None:
    """An attacker would take us our connections."""

    async def server(peer: Peer) -> None:
        if when != "greeting":
            peer.say("* OK hello")
        if when == "STARTTLS":
            await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
            await peer.expect("STARTTLS")
        peer.say(FULL)
        await peer.gone()

    with pytest.raises(Unreached, match="too many"):
        open_with_starttls(server, Trust())


def test_in_tls_the_server_can_say_that_there_are_too_many(
    certificates: Certificates,
) -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        await peer.answer("STARTTLS")
        await peer.writer.start_tls(certificates.server_context())
        await peer.expect("CAPABILITY")
        peer.say(FULL)
        await peer.gone()

    with pytest.raises(TooManyConnections):
        open_with_starttls(server, Trust(certificates.authority))


def test_a_handshake_that_is_never_answered_is_not_waited_for_twice() -> None:
    """asyncio tells of no end of such a connection."""

    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        await peer.answer("STARTTLS")
        await peer.gone()

    timings = replace(PATIENT, connect=0.3, logout=600)
    with pytest.raises(TemporaryError):
        open_with_starttls(server, Trust(), timings)


def test_nothing_listening_is_a_temporary_error() -> None:
    async def main() -> None:
        with pytest.raises(TemporaryError):
            await account_at(1).probe()

    asyncio.run(main())
