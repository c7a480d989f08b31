"""A session is as protected as it was asked to be, or it is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.errors import PermanentError, TemporaryError, Unreached
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.login import Auth
from postroom.transport.pop3.wire import Wire
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.transport.imap.scripted import Peer, theatre
from tests.transport.pop3.dealings import PATIENT, at, letters, nothing, reach, whole
from tests.transport.pop3.scripted import HANG_UP, PopServer

TLS = [Tls.IMPLICIT, Tls.STARTTLS]


async def visit(connection: Connection) -> None:
    """Read all there is, and remove it."""
    await connection.login("ann", "secret")
    read = await whole(connection.retrieve(await connection.listing()))
    await connection.remove(read.keys())
    await connection.quit()


@pytest.mark.parametrize("tls", TLS)
def test_a_maildrop_is_emptied_over_tls(tls: Tls, certificates: Certificates) -> None:
    server = PopServer(letters(200))
    reach(
        server,
        visit,
        tls=tls,
        trust=Trust(certificates.authority),
        context=certificates.server_context(),
    )
    assert not server.messages


@pytest.mark.parametrize("tls", TLS)
def test_a_server_that_nobody_vouches_for_is_told_nothing(
    tls: Tls, certificates: Certificates
) -> None:
    server = PopServer()
    with pytest.raises(Unreached, match="not trusted"):
        reach(server, visit, tls=tls, context=certificates.server_context())
    assert set(server.said) <= {"CAPA", "STLS"}


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("command", ["PASS", "AUTH", "LIST", "RETR", "QUIT"])
def test_a_connection_lost_in_tls_is_lost_quietly(
    tls: Tls,
    command: str,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = PopServer(letters(3), lies={command: HANG_UP, "AUTH": HANG_UP})
    server.capabilities = ("USER", "UIDL", "STLS", "PIPELINING")
    if command == "AUTH":
        server.capabilities = (*server.capabilities, "SASL PLAIN")
    with pytest.raises(TemporaryError, match="connection was lost"):
        reach(
            server,
            visit,
            tls=tls,
            trust=Trust(certificates.authority),
            context=certificates.server_context(),
        )
    assert caplog.messages == []


# -- STLS ------------------------------------------------------------------------------


def reach_by_stls(
    server: PopServer, certificates: Certificates, auth: Auth = Auth.PASSWORD
) -> None:
    """Connect by STLS, and log in."""

    async def use(connection: Connection) -> None:
        await connection.login("ann", "secret", auth)

    reach(
        server,
        use,
        tls=Tls.STARTTLS,
        trust=Trust(certificates.authority),
        context=certificates.server_context(),
    )


@pytest.mark.parametrize("capabilities", [None, ("USER",), ("USER", "XSTLS")])
def test_without_stls_nothing_is_said_in_the_clear(
    capabilities: tuple[str, ...] | None, certificates: Certificates
) -> None:
    server = PopServer(capabilities=capabilities)
    with pytest.raises(PermanentError, match="does not offer STLS"):
        reach_by_stls(server, certificates)
    assert server.said == ["CAPA"]


def test_a_refused_stls_is_the_end(certificates: Certificates) -> None:
    server = PopServer(lies={"STLS": b"-ERR not now\r\n"})
    with pytest.raises(Unreached, match="STLS was refused: not now"):
        reach_by_stls(server, certificates)
    assert server.said == ["CAPA", "STLS"]


@pytest.mark.parametrize("more", [b"+OK\r\n", b"+OK half a li", b"-"])
def test_what_follows_the_answer_to_stls_in_the_clear_is_refused(
    more: bytes, certificates: Certificates
) -> None:
    server = PopServer(lies={"STLS": b"+OK begin\r\n" + more})
    with pytest.raises(Unreached, match="out of turn"):
        reach_by_stls(server, certificates)
    assert server.said == ["CAPA", "STLS"]


def test_what_was_announced_in_the_clear_is_void(certificates: Certificates) -> None:
    forged = b"+OK\r\nSTLS\r\nSASL PLAIN\r\nPIPELINING\r\nEXPIRE 0\r\n.\r\n"
    server = PopServer(
        capabilities=("USER", "UIDL"), lies_in_the_clear={"CAPA": forged}
    )

    async def use(connection: Connection) -> None:
        assert connection.capabilities.names == {"USER", "UIDL"}
        assert connection.capabilities.expire is None
        await connection.login("ann", "secret")

    reach(
        server,
        use,
        tls=Tls.STARTTLS,
        trust=Trust(certificates.authority),
        context=certificates.server_context(),
    )
    assert server.said[:4] == ["CAPA", "STLS", "CAPA", "USER ann"]


def test_a_timestamp_said_in_the_clear_is_void(certificates: Certificates) -> None:
    server = PopServer()
    with pytest.raises(PermanentError, match="timestamp"):
        reach_by_stls(server, certificates, Auth.APOP)
    assert server.said == ["CAPA", "STLS", "CAPA"]


def test_a_server_that_agrees_to_tls_and_begins_none_is_not_waited_for_long() -> None:
    timings = replace(PATIENT, connect=0.2)
    with pytest.raises(Unreached, match="does not answer|TLS|handshake"):  # noqa: RUF043 - these are alternatives
        reach(PopServer(), nothing, timings, tls=Tls.STARTTLS)


@pytest.mark.parametrize("hang_up", [Peer.cut, Peer.reset])
def test_a_server_that_agrees_to_tls_and_hangs_up_is_unreached(
    hang_up: Callable[[Peer], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def play(peer: Peer) -> None:
        peer.say("+OK hello")
        assert await peer.line() == "CAPA"
        peer.say("+OK", "STLS", ".")
        assert await peer.line() == "STLS"
        peer.say("+OK begin")
        await peer.reader.read(100)
        hang_up(peer)

    async def main() -> None:
        async with (
            asyncio.timeout(30),
            theatre(play) as port,
            connected(at(port, Tls.STARTTLS), PATIENT),
        ):
            pass

    with pytest.raises(Unreached):
        asyncio.run(main())
    assert caplog.messages == []


def test_a_connection_that_is_lost_before_tls_begins_has_none() -> None:
    async def play(peer: Peer) -> None:
        await peer.gone()

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            wire = Wire("scripted")
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: wire, "127.0.0.1", port)
            wire.fail("it is lost")
            with pytest.raises(ConnectionResetError, match="hung up"):
                await wire.start_tls(Trust().context(), "127.0.0.1", 20)

    asyncio.run(main())


@pytest.mark.parametrize("tls", [*TLS, Tls.NONE])
def test_a_connection_that_is_left_is_closed_at_once(
    tls: Tls, certificates: Certificates
) -> None:
    """Though the server says no farewell, in TLS or otherwise."""

    async def use(connection: Connection) -> None:
        await asyncio.wait_for(connection.close(), 5)

    context = certificates.server_context()
    trust = Trust(certificates.authority)
    server = PopServer()
    reach(
        server,
        use,
        replace(PATIENT, close=60),
        tls=tls,
        trust=trust,
        context=None if tls is Tls.NONE else context,
    )


def test_files_that_can_not_be_used_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unreached, match="can't be used for TLS"):
        reach(PopServer(), nothing, tls=Tls.IMPLICIT, trust=Trust(tmp_path / "none"))
