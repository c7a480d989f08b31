"""The client and a real server understand each other."""

from __future__ import annotations

import asyncio
import time

import pytest

from postroom.errors import AuthenticationError, TemporaryError
from postroom.ports import Listed
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.server import Server
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.servers.chaos import chaos_proxy
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.servers.troubled import Fault, Kind
from tests.transport.pop3.dealings import PATIENT, Use, at, whole

LETTERS = [
    b"Subject: dots\r\n\r\n.\r\n..\r\n. \r\n.\r\n\r\n...\r\nx.\r\n",
    b"Subject: ends in a dot\r\n\r\n.\r\n",
    b"Subject: statuses\r\n\r\n+OK\r\n-ERR\r\n",
    b"Subject: octets\r\n\r\n\x80\xff\x01 caf\xe9\r\n",
    b"Subject: long\r\n\r\n" + b"x" * 1_000_000 + b"\r\n",
    b"Subject: large\r\n\r\n" + (b"." * 70 + b"\r\n") * 20_000,
    b"Subject: no body\r\n\r\n",
]


def server_for(dovecot: DovecotServer, tls: Tls, certificates: Certificates) -> Server:
    """Where this Dovecot listens."""
    port = dovecot.ports.pop3s if tls is Tls.IMPLICIT else dovecot.ports.pop3
    return at(port, tls, Trust(certificates.authority))


def visit(server: Server, user: str, use: Use, password: str = "secret") -> None:
    """Log in and use the maildrop."""

    async def main() -> None:
        async with asyncio.timeout(60), connected(server, PATIENT) as connection:
            await connection.login(user, password)
            await use(connection)

    asyncio.run(main())


@pytest.mark.parametrize("tls", Tls)
def test_a_maildrop_is_read_octet_by_octet_and_emptied(
    tls: Tls, dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    for raw in LETTERS:
        dovecot.append(user, raw)
    server = server_for(dovecot, tls, certificates)
    listings: list[list[Listed]] = []

    async def read(connection: Connection) -> None:
        listing = await connection.listing()
        listings.append(listing)
        assert [each.size for each in listing] == [len(raw) for raw in LETTERS]
        assert len({each.uidl for each in listing} - {""}) == len(LETTERS)
        found = await whole(connection.retrieve(listing))
        assert found == dict(enumerate(LETTERS, start=1))
        headers = await connection.headers([1, 7])
        assert headers == {1: b"Subject: dots\r\n\r\n", 7: b"Subject: no body\r\n\r\n"}
        await connection.prove()

    async def remove(connection: Connection) -> None:
        listings.append(await connection.listing())
        assert await connection.remove([1, 2, 3, 99]) == {1, 2, 3}

    async def remove_and_quit(connection: Connection) -> None:
        await remove(connection)
        await connection.quit()

    async def look(connection: Connection) -> None:
        listings.append(await connection.listing())

    for use in (read, remove, remove_and_quit, look):
        visit(server, user, use)
    assert listings[0] == listings[1] == listings[2]
    assert [each.uidl for each in listings[3]] == [
        each.uidl for each in listings[0][3:]
    ]


@pytest.mark.parametrize("tls", Tls)
def test_a_wrong_password_is_told_as_such(
    tls: Tls, dovecot: DovecotServer, certificates: Certificates
) -> None:
    async def use(connection: Connection) -> None:
        await connection.prove()

    server = server_for(dovecot, tls, certificates)
    with pytest.raises(AuthenticationError, match="AUTH"):
        visit(server, dovecot.new_user(), use, password="wrong")


def test_a_message_that_is_gone_meanwhile_is_refused_and_no_other(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, LETTERS[:3])
    server = server_for(dovecot, Tls.NONE, certificates)

    async def use(connection: Connection) -> None:
        await connection.remove([2])
        listing = [Listed(number, 9) for number in (1, 2, 3)]
        pieces = [piece async for piece in connection.retrieve(listing)]
        assert [bool(each.refusal) for each in pieces] == [False, True, False]
        await connection.quit()

    visit(server, user, use)


def test_a_hundred_messages_wait_for_few_round_trips(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    """At 50 ms each: LIST and UIDL take one, and the messages four in windows of 32.
    One by one they would take five seconds."""
    user = dovecot.new_user()
    dovecot.backlog(user, [b"Subject: %d\r\n\r\nx\r\n" % n for n in range(100)])
    late = Fault(Kind.DELAY, pause=0.05)
    seconds: list[float] = []

    async def use(connection: Connection) -> None:
        start = time.monotonic()
        listing = await connection.listing()
        seconds.append(time.monotonic() - start)
        assert len(await whole(connection.retrieve(listing, window=32))) == 100
        seconds.append(time.monotonic() - start)
        await connection.quit()

    with chaos_proxy(dovecot.host, dovecot.ports.pop3, lambda: late) as proxy:
        visit(at(proxy.port), user, use)
    assert seconds[0] >= 0.05
    assert seconds[1] < 2


@pytest.mark.parametrize("percent", range(0, 100, 20))
def test_a_connection_cut_anywhere_is_lost_and_nothing_is_removed(
    percent: int, dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, LETTERS)
    total = sum(map(len, LETTERS))
    with counting_proxy(dovecot.host, dovecot.ports.pop3s) as proxy:
        proxy.cut_after(6_000 + total * percent // 100)
        with pytest.raises(TemporaryError):
            visit(_through(proxy, certificates), user, _empty)

    async def look(connection: Connection) -> None:
        assert len(await connection.listing()) == len(LETTERS)

    visit(server_for(dovecot, Tls.NONE, certificates), user, look)


def _through(proxy: CountingProxy, certificates: Certificates) -> Server:
    return at(proxy.port, Tls.IMPLICIT, Trust(certificates.authority))


async def _empty(connection: Connection) -> None:
    listing = await connection.listing()
    assert await connection.remove([1]) == {1}
    await whole(connection.retrieve(listing[1:]))
    await connection.quit()
