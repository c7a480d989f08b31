"""A session is as protected as it was asked to be, or it is none."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.tls import Tls, make_context
from tests.servers.certificates import Certificates
from tests.transport.imap.scripted import Peer, Play, account_at, theatre


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority of our own."""
    return Certificates.issue(tmp_path)


def open_with_starttls(play: Play, context: ssl.SSLContext) -> None:
    """Open the INBOX of an account that asks for STARTTLS."""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            account = account_at(port, tls=Tls.STARTTLS, context=context)
            async with account.open("INBOX"):
                pass

    asyncio.run(main())


def test_without_starttls_nothing_is_said_in_the_clear() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.gone()

    with pytest.raises(PermanentError, match="does not offer STARTTLS"):
        open_with_starttls(server, make_context())


def test_a_server_that_skips_starttls_by_preauth_is_refused() -> None:
    async def server(peer: Peer) -> None:
        peer.say("* PREAUTH welcome")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS")
        await peer.gone()

    with pytest.raises(PermanentError, match="PREAUTH"):
        open_with_starttls(server, make_context())


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
        open_with_starttls(server, make_context())


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
        open_with_starttls(server, make_context(certificates.authority))


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
        open_with_starttls(server, make_context())


def test_tls_without_a_context_is_no_connection_in_the_clear() -> None:
    async def main() -> None:
        account = account_at(1, tls=Tls.IMPLICIT)
        with pytest.raises(PermanentError):
            await account.probe()

    asyncio.run(main())


def test_nothing_listening_is_a_temporary_error() -> None:
    async def main() -> None:
        with pytest.raises(TemporaryError):
            await account_at(1).probe()

    asyncio.run(main())
