"""A server that lies, floods or goes away is not believed, and not waited for long."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from postroom.errors import (
    PermanentError,
    RefusedForNow,
    TemporaryError,
    Unreached,
)
from postroom.ports import Listed
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.retrieval import Endless, Piece
from postroom.transport.pop3.server import Timings
from postroom.transport.tls import Tls
from tests.transport.pop3.dealings import PATIENT, Use, at, letters, meet, reach, whole
from tests.transport.pop3.scripted import HANG_UP, SILENCE, PopServer, stuffed

NONSENSE = [
    b"\r\n",
    b"OK\r\n",
    b"+OKAY\r\n",
    b"+ok\r\n",
    b"-ERROR\r\n",
    b"+ \r\n",
    b"* OK\r\n",
    b"250 OK\r\n",
    b" +OK\r\n",
    b"+OK\n\r\n",
    b"+OK \0\r\n",
    b"+OK a\r\r\n",
    b"\x80\x81\r\n",
    b"+OK " + b"x" * 9_000 + b"\r\n",
    b"x" * 20_000,
    b"+OK\r\n+OK\r\n",
    b"+OK\r\n-",
]

USES: dict[str, Use] = {
    "NOOP": lambda connection: connection.prove(),
    "DELE": lambda connection: connection.remove([1]),
    "QUIT": lambda connection: connection.quit(),
    "LIST": lambda connection: connection.listing(),
    "UIDL": lambda connection: connection.listing(),
    "TOP": lambda connection: connection.headers([1]),
    "RETR": lambda connection: whole(connection.retrieve([Listed(1, 9)])),
}


@pytest.mark.parametrize("command", USES)
@pytest.mark.parametrize("lie", NONSENSE, ids=lambda lie: repr(lie[:12]))
def test_an_answer_that_is_none_ends_the_connection(command: str, lie: bytes) -> None:
    server = PopServer(letters(1), lies={command: lie})
    if command == "LIST":  # otherwise the answer to UIDL would end this one
        server.capabilities = ("USER",)
    # Behind a good status of some there is a content: one without an end.
    dies(server, USES[command], replace(PATIENT, silence=0.1))


@pytest.mark.parametrize("command", ["UIDL", "TOP", "RETR"])
def test_what_follows_a_content_out_of_turn_ends_the_connection(command: str) -> None:
    lie = b"+OK\r\n.\r\n+OK\r\n"
    dies(PopServer(letters(1), lies={command: lie}), USES[command])


@pytest.mark.parametrize("command", ["CAPA", "AUTH", "GREETING"])
@pytest.mark.parametrize("lie", [*NONSENSE, HANG_UP], ids=lambda lie: repr(lie)[:12])
def test_a_beginning_that_is_none_ends_the_connection(
    command: str, lie: bytes | None
) -> None:
    if command == "AUTH" and lie == b"+ \r\n":
        return  # a question, which is in order there
    server = PopServer(lies={command: lie})
    with pytest.raises(TemporaryError) as raised:
        meet(server, timings=replace(PATIENT, silence=0.1))
    assert not isinstance(raised.value, RefusedForNow)
    assert isinstance(raised.value, Unreached) == (command != "AUTH")


@pytest.mark.parametrize("command", USES)
@pytest.mark.parametrize("lie", [HANG_UP, SILENCE], ids=["hangs up", "says nothing"])
def test_an_answer_that_does_not_come_ends_the_connection(
    command: str, lie: bytes | None
) -> None:
    timings = replace(PATIENT, command=0.1, silence=0.1, quit=0.1)
    server = PopServer(letters(1), lies={command: lie})
    dies(server, USES[command], PATIENT if lie is HANG_UP else timings)


def dies(server: PopServer, act: Use, timings: Timings = PATIENT) -> None:
    """Assert that this ends the connection for good, and no other way."""

    async def use(connection: Connection) -> None:
        with pytest.raises(TemporaryError) as raised:
            await act(connection)
        assert not isinstance(raised.value, RefusedForNow)
        said = len(server.said)
        for again in USES.values():
            with pytest.raises(TemporaryError):
                await again(connection)
        assert len(server.said) == said

    meet(server, use, timings)


def test_a_greeting_that_refuses_is_no_login_that_failed() -> None:
    server = PopServer(greeting="-ERR [AUTH] go away")
    with pytest.raises(Unreached, match=r"\[AUTH\] go away"):
        meet(server)
    assert server.said == []


# -- QUIT ------------------------------------------------------------------------------


def test_a_refused_quit_says_that_nobody_knows_what_is_removed() -> None:
    server = PopServer(letters(3), keeps=frozenset({"u2"}))

    async def use(connection: Connection) -> None:
        assert await connection.remove([1, 2]) == {1, 2}
        with pytest.raises(RefusedForNow, match="some were not removed"):
            await connection.quit()
        with pytest.raises(TemporaryError):
            await connection.prove()

    meet(server, use)
    assert list(server.messages) == ["u2", "u3"]


def test_a_good_quit_is_believed_though_the_server_hangs_up_at_once() -> None:
    async def use(connection: Connection) -> None:
        await connection.quit()
        with pytest.raises(TemporaryError):
            await connection.prove()

    meet(PopServer(letters(1)), use)


# -- given up --------------------------------------------------------------------------


async def _break(pieces: AsyncIterator[Piece]) -> None:
    async for _ in pieces:
        break


async def _fail(pieces: AsyncIterator[Piece]) -> None:
    async def read() -> None:
        async for piece in pieces:
            raise ValueError(piece.number)

    with pytest.raises(ValueError, match="1"):
        await read()


async def _cancel(pieces: AsyncIterator[Piece]) -> None:
    async def read() -> None:
        async for _ in pieces:
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("leave", [_break, _fail, _cancel])
def test_messages_that_nobody_reads_to_the_end_end_the_connection(
    leave: Callable[[AsyncIterator[Piece]], Awaitable[None]], closed: bool
) -> None:
    server = PopServer(letters(9))

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        pieces = connection.retrieve(listing)
        await leave(pieces)
        if closed:
            await pieces.aclose()
        with pytest.raises(TemporaryError, match="given up"):
            await connection.listing()
        await pieces.aclose()
        gc.collect()

    meet(server, use)


def test_messages_read_one_at_a_time_may_be_left_between_two() -> None:
    server = PopServer(letters(9))

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        async with aclosing(connection.retrieve(listing, window=1)) as pieces:
            await _break(pieces)
        assert await connection.listing() == listing

    meet(server, use)


def test_a_command_that_is_cancelled_ends_the_connection() -> None:
    async def use(connection: Connection) -> None:
        task = asyncio.create_task(connection.prove())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TemporaryError, match="given up"):
            await connection.quit()

    meet(PopServer(lies={"NOOP": SILENCE}), use)


# -- sizes -----------------------------------------------------------------------------


def test_a_message_far_longer_than_listed_ends_the_connection() -> None:
    server = PopServer(
        {"a": b"x\r\n", "b": b"y" * 300_000, "c": b"z\r\n"}, size=lambda raw: 4
    )
    read: list[int] = []

    async def read_all(connection: Connection) -> None:
        async for piece in connection.retrieve(await connection.listing()):
            read.append(piece.number)

    async def use(connection: Connection) -> None:
        with pytest.raises(Endless, match="message 2 is far longer than 4") as raised:
            await read_all(connection)
        assert raised.value.number == 2
        with pytest.raises(TemporaryError):
            await connection.prove()

    meet(server, use)
    assert read == [1]


def test_a_message_whose_line_ends_were_counted_as_one_octet_is_read() -> None:
    server = PopServer({"a": b"\r\n" * 200_000}, size=lambda raw: len(raw) // 2)

    async def use(connection: Connection) -> None:
        read = await whole(connection.retrieve(await connection.listing()))
        assert read == {1: server.messages["a"]}

    meet(server, use)


def test_a_large_message_is_read_in_pieces_that_wait_for_whoever_takes_them() -> None:
    megabytes = 32
    server = PopServer({"a": (b"x" * 1022 + b"\r\n") * 1024 * megabytes})
    server.lies["RETR"] = b"+OK\r\n" + stuffed(server.messages["a"])

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        taken = 0
        async for piece in connection.retrieve(listing):
            taken += len(piece.octets)
            if not tracemalloc.is_tracing():
                tracemalloc.start()
                for _ in range(1_000):  # the server has its turn, and would say it all
                    await asyncio.sleep(0)
        assert taken == len(server.messages["a"])
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
        tracemalloc.stop()

    meet(server, use)


def test_a_header_without_end_ends_the_connection() -> None:
    server = PopServer(letters(1), lies={"TOP": b"+OK\r\n" + b"X: y\r\n" * 1_000_000})
    dies(server, USES["TOP"])


# -- the way there ---------------------------------------------------------------------


def test_a_server_that_is_not_there_is_unreached() -> None:
    with pytest.raises(Unreached, match="nothing listens there"):
        asyncio.run(_open(1))


async def _open(port: int) -> None:
    async with connected(at(port), PATIENT):
        pass


def test_no_password_goes_over_the_network_in_the_clear() -> None:
    async def main() -> None:
        server = replace(at(1), host="pop.example.org")
        async with connected(server, PATIENT):
            pass

    with pytest.raises(PermanentError, match="loopback"):
        asyncio.run(main())


def test_a_host_that_can_be_none_is_said_to_be_so() -> None:
    async def main() -> None:
        server = replace(at(1, Tls.IMPLICIT), host="a..b")
        async with connected(server, PATIENT):
            pass

    with pytest.raises(PermanentError, match="can't be a host"):
        asyncio.run(main())


def test_a_greeting_that_does_not_come_is_not_waited_for_long() -> None:
    timings = replace(PATIENT, connect=0.1)
    with pytest.raises(Unreached, match="does not answer"):
        reach(PopServer(lies={"GREETING": SILENCE}), timings=timings)
