"""Web requests reach who is named, and nobody else; what they may cost is bounded."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.services import Response
from postroom.transport.http import HttpsClient
from postroom.transport.http.client import MOST_CONTENT
from tests.servers.certificates import Certificates

T = TypeVar("T")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Web:
    """A web server that gives one answer to whatever it hears; `names` are the server
    names (SNI) that it was asked for."""

    answer: bytes
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    holds: asyncio.Event | None = None

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            self.heard.append(head + body)
            writer.write(self.answer)
            await writer.drain()
            if self.holds:
                await self.holds.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # It has hung up, which it may.
        finally:
            writer.close()

    def url(self, path: str = "/", host: str = "localhost") -> str:
        """An address at this server."""
        return f"https://{host}:{self.port}{path}"


@asynccontextmanager
async def web(context: ssl.SSLContext, answer: bytes = OK) -> AsyncIterator[Web]:
    """The server, listening until the end of the block."""
    server = Web(answer)

    def note(_connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        server.names.append(name)

    context.sni_callback = note
    async with await asyncio.start_server(
        server.serve, "127.0.0.1", 0, ssl=context
    ) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        if server.holds:
            server.holds.set()


def anywhere(address: str) -> bool:
    """Any address will do."""
    return True


@pytest.fixture
def named(tmp_path: Path) -> Certificates:
    """A certificate for the name `localhost`, and for no address."""
    return Certificates.issue(tmp_path / "named", "localhost")


def visit(
    certificates: Certificates,
    work: Callable[[Web, HttpsClient], Awaitable[T]],
    answer: bytes = OK,
    allowed: Callable[[str], bool] = anywhere,
    seconds: float = 10,
) -> tuple[Web, T]:
    """A server, and what came of the work with a client that trusts it."""

    async def run() -> tuple[Web, T]:
        client = HttpsClient(allowed, certificates.authority, seconds)
        async with web(certificates.server_context(), answer) as server:
            return server, await work(server, client)

    return asyncio.run(run())


async def get(server: Web, client: HttpsClient) -> Response:
    return await client.get(server.url())


def test_a_request_goes_to_the_address_under_the_name(named: Certificates) -> None:
    """The certificate is for the name only: it was the name that was verified."""
    server, response = visit(named, get)
    assert response == Response(200, b"ok")
    assert server.names == ["localhost"]
    assert server.heard[0].startswith(b"GET / HTTP/1.1\r\n")
    assert b"\r\nHost: localhost:%d\r\n" % server.port in server.heard[0]


def test_what_is_posted_arrives_with_its_headers(named: Certificates) -> None:
    async def post(server: Web, client: HttpsClient) -> Response:
        headers = {"X-Key": "1", "Host": "other.example", "Cookie": "a=b"}
        return await client.post(server.url("/in?a=b"), b'{"a": 1}', headers)

    server, response = visit(named, post)
    assert response.status == 200
    (heard,) = server.heard
    assert heard.startswith(b"POST /in?a=b HTTP/1.1\r\n")
    assert heard.endswith(b'\r\n\r\n{"a": 1}')
    assert b"X-Key: 1\r\n" in heard
    assert b"other.example" not in heard


def test_a_name_is_resolved_once_and_the_checked_address_is_taken(
    named: Certificates,
) -> None:
    """A name server that answers otherwise the second time leads nowhere else."""
    asked: list[object] = []

    async def work(server: Web, client: HttpsClient) -> Response:
        loop = asyncio.get_running_loop()

        async def answer(host: object, port: int, **_names: object) -> list[object]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "127.0.0.66"
            return [(2, 1, 6, "", (address, port))]

        loop.getaddrinfo = answer  # type: ignore[method-assign,assignment] # a name server of our own
        return await get(server, client)

    _, response = visit(named, work, allowed=lambda address: address == "127.0.0.1")
    assert response.status == 200
    assert asked == ["localhost"]


def test_an_address_that_is_not_allowed_is_never_connected_to(
    named: Certificates,
) -> None:
    async def work(server: Web, client: HttpsClient) -> Web:
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            with pytest.raises(PermanentError, match="not in the public Internet"):
                await HttpsClient(ca=named.authority).get(server.url(host=host))
        return server

    server, _ = visit(named, work)
    assert (server.heard, server.names) == ([], [])


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    other = Certificates.issue(tmp_path / "other", "other.example")
    with pytest.raises(TemporaryError, match="certificate verify failed: Hostname"):
        visit(other, get)


def test_a_certificate_of_nobody_known_is_refused(
    named: Certificates, tmp_path: Path
) -> None:
    stranger = Certificates.issue(tmp_path / "stranger", "localhost")

    async def work(server: Web, client: HttpsClient) -> Response:
        return await HttpsClient(anywhere, stranger.authority).get(server.url())

    with pytest.raises(TemporaryError, match="verify failed: unable to get"):
        visit(named, work)


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost/", "ftp://localhost/", "localhost", "", "https://"),
        *("https:///x", "file:///etc/passwd", "https://a\0b/", "//localhost/"),
        *("https://localhost:0/", "https://localhost:99999/"),
    ],
)
def test_what_is_no_address_on_the_web_is_refused(url: str) -> None:
    with pytest.raises(PermanentError):
        asyncio.run(HttpsClient(anywhere).get(url))


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\u2028"])
def test_a_header_can_not_be_smuggled_in(named: Certificates, value: str) -> None:
    async def work(server: Web, client: HttpsClient) -> Web:
        with pytest.raises(PermanentError, match="can't be asked"):
            await client.get(server.url(), {"X-Subject": value})
        return server

    server, _ = visit(named, work)
    assert server.heard == []


def test_a_redirect_is_told_and_not_followed(named: Certificates) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://localhost:%d/x\r\n"
    server, response = visit(
        named, get, answer=moved % 1 + b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    )
    assert response.status == 302
    assert len(server.heard) == 1


def test_of_a_long_body_the_beginning_is_kept(named: Certificates) -> None:
    """Even of one that never ends."""

    async def work(server: Web, client: HttpsClient) -> Response:
        server.holds = asyncio.Event()
        return await get(server, client)

    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + bytes(300_000)
    begun = time.monotonic()
    _, response = visit(named, work, answer=endless)
    assert len(response.content) == MOST_CONTENT
    assert time.monotonic() - begun < 8


def test_what_was_compressed_against_our_wish_is_not_unpacked(
    named: Certificates,
) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    server, response = visit(named, get, answer=head % len(bomb) + bomb)
    assert response.content == bomb
    assert b"Accept-Encoding: identity" in server.heard[0]


def test_a_server_that_keeps_silent_is_given_up(named: Certificates) -> None:
    async def work(server: Web, client: HttpsClient) -> Response:
        server.holds = asyncio.Event()
        return await get(server, client)

    with pytest.raises(TemporaryError, match=r"localhost: no answer within 0\.2 s"):
        visit(named, work, answer=b"", seconds=0.2)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_a_server_that_talks_nonsense_may_do_better_later(
    named: Certificates, answer: bytes
) -> None:
    with pytest.raises(TemporaryError, match="localhost: "):
        visit(named, get, answer=answer)


def test_nobody_there_is_a_passing_trouble(named: Certificates) -> None:
    async def work(server: Web, client: HttpsClient) -> Response:
        return await client.get("https://localhost:1/")

    with pytest.raises(TemporaryError, match="localhost can't be reached"):
        visit(named, work)


def test_proxies_of_the_environment_are_not_used(
    named: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    assert visit(named, get)[1].status == 200


def test_the_secret_part_of_an_address_is_in_no_log_and_no_message(
    named: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: Web, client: HttpsClient) -> list[str]:
        url = server.url("/T0/hush", host="me:hush@localhost")
        told = []
        await client.get(url)
        for wrong in (url.replace("https", "http"), url.replace(str(server.port), "1")):
            with pytest.raises((PermanentError, TemporaryError)) as caught:
                await client.get(wrong)
            told.append(str(caught.value))
        return told

    caplog.set_level(logging.INFO)
    _, told = visit(named, work)
    assert len(told) == 2
    assert "hush" not in "".join([*told, caplog.text])
