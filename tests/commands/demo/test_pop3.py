"""The POP3 server of the playground, asked by the standard library and by hand."""

from __future__ import annotations

import asyncio
import poplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from postroom.commands.demo import popletters
from postroom.commands.demo.imap import HOST
from postroom.commands.demo.pop3 import PopPlayground
from postroom.commands.demo.popsession import Maildrop, PopSession
from postroom.commands.demo.samples import ISP_OWNER, SAMPLES

PASSWORD = "open sesame"
LOGIN = f"USER {ISP_OWNER}\r\nPASS {PASSWORD}\r\n".encode()
T = TypeVar("T")


def asked(raws: list[bytes], ask: Callable[[poplib.POP3], T]) -> tuple[T, list[bytes]]:
    """What a client finds in a maildrop with these, and what is left in it."""

    def talk(port: int) -> T:
        client = poplib.POP3(HOST, port)
        client.user(ISP_OWNER)
        client.pass_(PASSWORD)
        try:
            return ask(client)
        finally:
            client.close()

    async def scenario() -> tuple[T, list[bytes]]:
        async with PopPlayground(ISP_OWNER, PASSWORD) as pop3:
            for raw in raws:
                await pop3.deliver(raw)
            found = await asyncio.to_thread(talk, pop3.port)
            return found, pop3.messages()

    return asyncio.run(scenario())


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, of which the greeting was read."""
    reader, writer = await asyncio.open_connection(HOST, port)
    async with asyncio.timeout(10):
        await reader.readline()
        yield reader, writer
    writer.close()
    await writer.wait_closed()


def session_with(*raws: bytes) -> tuple[PopSession, Maildrop]:
    """A session that is logged in to a maildrop with these."""
    maildrop = Maildrop(ISP_OWNER, PASSWORD)
    for raw in raws:
        maildrop.add(raw)
    session = PopSession(maildrop)
    for line in LOGIN.splitlines(keepends=True):
        session.answer(line)
    return session, maildrop


def said(session: PopSession, command: str) -> bytes:
    """The whole response to a command."""
    return b"".join(session.answer(f"{command}\r\n".encode()))


def test_a_client_is_told_what_waits_with_its_exact_sizes() -> None:
    """As many octets as RETR gives (RFC 1939, section 11)."""

    def ask(client: poplib.POP3) -> list[object]:
        sizes = [line.split()[1] for line in client.list()[1]]
        return [client.stat(), sizes, client.list(2), client.uidl()[1]]

    raws = [popletters.DOTS, popletters.KETTLE]
    sizes = [len(raw) for raw in raws]
    found, _ = asked(raws, ask)
    told = [str(size).encode() for size in sizes]
    one = b"+OK 2 " + told[1]
    ids = [b"1 playground-1", b"2 playground-2"]
    assert found == [(2, sum(sizes)), told, one, ids]


def test_lines_of_dots_come_as_they_were_sent() -> None:
    """Also the one with a single dot, which would end the message."""

    def ask(client: poplib.POP3) -> bytes:
        return b"".join(line + b"\r\n" for line in client.retr(1)[1])

    assert asked([popletters.DOTS], ask) == (popletters.DOTS, [popletters.DOTS])


@pytest.mark.parametrize("lines", [0, 2, 99])
def test_top_gives_the_header_and_so_many_lines(lines: int) -> None:
    """All of the body, where it has fewer."""
    header, _, body = popletters.DOTS.partition(b"\r\n\r\n")
    found, _ = asked([popletters.DOTS], lambda client: client.top(1, lines)[1])
    expected = [*header.split(b"\r\n"), b"", *body.split(b"\r\n")[:-1][:lines]]
    assert found == expected


def test_what_was_deleted_goes_with_quit() -> None:
    """And only that."""

    def ask(client: poplib.POP3) -> tuple[list[bytes], bytes]:
        client.dele(1)
        return client.uidl()[1], client.quit()

    found, left = asked([popletters.DOTS, popletters.KETTLE], ask)
    assert found == ([b"2 playground-2"], b"+OK goodbye")
    assert left == [popletters.KETTLE]


def test_without_quit_nothing_is_removed() -> None:
    """A session that is cut off deletes nothing (RFC 1939, section 6)."""
    _, left = asked([popletters.DOTS], lambda client: client.dele(1))
    assert left == [popletters.DOTS]


def test_rset_takes_deletions_back() -> None:
    """Then QUIT has nothing to remove."""
    session, maildrop = session_with(popletters.DOTS)
    told = [said(session, command)[:5] for command in ("DELE 1", "RSET", "QUIT")]
    assert told == [b"+OK 1", b"+OK 1", b"+OK g"]
    assert list(maildrop.messages.values()) == [popletters.DOTS]


def test_commands_may_be_sent_all_at_once() -> None:
    """They are answered in their order (RFC 2449, section 6.6)."""

    async def scenario() -> bytes:
        async with PopPlayground(ISP_OWNER, PASSWORD) as pop3:
            for raw in (popletters.DOTS, popletters.KETTLE):
                await pop3.deliver(raw)
            async with connected(pop3.port) as (reader, writer):
                commands = b"UIDL\r\nRETR 2\r\nDELE 1\r\nDELE 2\r\nNOOP\r\n" * 20
                writer.write(b"CAPA\r\n" + LOGIN + commands + b"QUIT\r\n")
                return await reader.read()

    answer = asyncio.run(scenario())
    assert b"\r\nPIPELINING\r\n" in answer
    assert answer.count(popletters.KETTLE + b".\r\n+OK 1 will be gone\r\n") == 1
    assert answer.count(b"-ERR there is no message 2\r\n") == 38
    assert answer.endswith(b"\r\n+OK\r\n+OK goodbye\r\n")


def test_one_session_at_a_time_has_the_maildrop() -> None:
    """Another gets it as soon as the first says QUIT (RFC 2449, section 8.1.2)."""
    first, maildrop = session_with(popletters.DOTS)
    second = PopSession(maildrop)
    said(second, f"USER {ISP_OWNER}")
    refused = said(second, f"PASS {PASSWORD}")
    said(first, "QUIT")
    said(second, f"USER {ISP_OWNER}")
    assert refused.startswith(b"-ERR [IN-USE] ")
    assert said(second, f"PASS {PASSWORD}").startswith(b"+OK 1 ")


def test_a_client_that_is_gone_has_the_maildrop_no_more() -> None:
    """Also one that went without QUIT."""

    async def scenario() -> list[bytes]:
        answers = []
        async with PopPlayground(ISP_OWNER, PASSWORD) as pop3:
            for _ in range(2):
                async with connected(pop3.port) as (reader, writer):
                    writer.write(LOGIN)
                    writer.write_eof()
                    answers.append(await reader.read())
        return answers

    answers = asyncio.run(scenario())
    assert [answer.count(b"+OK 0 0\r\n") for answer in answers] == [1, 1]


def test_what_arrives_meanwhile_is_there_in_the_next_session() -> None:
    """The numbers of a session stay what they are."""
    session, maildrop = session_with(popletters.DOTS)
    maildrop.add(popletters.KETTLE)
    assert said(session, "STAT").startswith(b"+OK 1 ")


@pytest.mark.parametrize(
    "command",
    ["RETR 2", "RETR", "RETR x", "TOP 1", "LIST 0", "DELE ²", "USER a", "XYZZY", ""],
)
def test_what_can_not_be_done_is_refused(command: str) -> None:
    """With a negative response, and the session goes on (RFC 1939, section 3)."""
    session, _ = session_with(popletters.DOTS)
    assert said(session, command).startswith(b"-ERR ")
    assert said(session, "NOOP") == b"+OK\r\n"


@pytest.mark.parametrize("command", ["STAT", "RETR 1", "QUIT"])
def test_nothing_is_told_or_removed_without_a_login(command: str) -> None:
    """The playground is no open door for other programs of the machine."""
    maildrop = Maildrop(ISP_OWNER, PASSWORD)
    maildrop.add(popletters.DOTS)
    session = PopSession(maildrop)
    said(session, f"USER {ISP_OWNER}")
    assert said(session, "PASS guess").startswith(b"-ERR [AUTH] ")
    assert said(session, command).startswith(b"+OK") == (command == "QUIT")
    assert maildrop.messages


def test_a_message_that_does_not_end_is_given_an_end() -> None:
    """Else its last line would run into the final dot."""
    session, _ = session_with(b"Subject: x\r\n\r\ncut")
    assert said(session, "RETR 1").endswith(b"\r\ncut\r\n.\r\n")


def test_every_sample_can_be_fetched_octet_by_octet() -> None:
    """Even those that are hardly mail."""
    session, _ = session_with(*(sample.raw for sample in SAMPLES))
    for number, sample in enumerate(SAMPLES, start=1):
        _, _, raw = said(session, f"RETR {number}").partition(b"\r\n")
        sent = (b"\r\n" + raw).removesuffix(b".\r\n").replace(b"\r\n.", b"\r\n")
        assert sent[2:] == sample.raw


def test_it_tells_when_the_maildrop_is_empty() -> None:
    """And does not before."""

    async def scenario() -> tuple[bool, list[bytes]]:
        async with PopPlayground(ISP_OWNER, PASSWORD) as pop3:
            await pop3.deliver(popletters.DOTS)
            waiting = asyncio.create_task(pop3.until_empty())
            async with connected(pop3.port) as (reader, writer):
                writer.write(LOGIN + b"DELE 1\r\n")
                while not (await reader.readline()).startswith(b"+OK 1 will"):
                    pass
                too_soon = waiting.done()
                writer.write(b"QUIT\r\n")
                await waiting
            return too_soon, pop3.messages()

    assert asyncio.run(scenario()) == (False, [])


def test_an_endless_command_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It can fill no memory (RFC 2449, section 4), and is no mistake of ours."""

    async def scenario() -> bytes:
        async with (
            PopPlayground(ISP_OWNER, PASSWORD) as pop3,
            connected(pop3.port) as (reader, writer),
        ):
            writer.write(b"x" * 2000)
            return await reader.read()

    assert asyncio.run(scenario()) == b""
    assert caplog.records == []


def test_closing_ends_the_connections_that_are_open() -> None:
    """A client that stays can't keep the playground from ending."""

    async def scenario() -> bytes:
        async with PopPlayground(ISP_OWNER, PASSWORD) as pop3:
            reader, writer = await asyncio.open_connection(HOST, pop3.port)
            await reader.readline()
        async with asyncio.timeout(10):
            last = await reader.read()
        writer.close()
        await writer.wait_closed()
        return last

    assert asyncio.run(scenario()) == b""
