"""No octets of a server get out of hand: they are an answer, or the end."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.protocol import Protocol
from postroom.transport.imap.wire import segments, string

COMMANDS = st.sampled_from(["UID FETCH", "IDLE", "STARTTLS", "LOGOUT", "AUTHENTICATE"])
PIECES = st.one_of(
    st.sampled_from(
        b"* OK x\r\n|* PREAUTH\r\n|* BYE\r\n|* 1 EXISTS\r\n|TAG OK x\r\n|tag no\r\n"
        b"|TAG BAD [X] y\r\n|+ \r\n|+\r\n|* 1 FETCH (UID 1 X {2}\r\n|A1 OK\r\n"
        b"|{9|\r\n|* ".split(b"|")
    ),
    st.binary(max_size=6),
)


class Wire(asyncio.Transport):
    """A transport that leads nowhere; `sent` has what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what is sent."""
        self.sent.append(bytes(data))

    def abort(self) -> None:
        """Note the end."""
        self.aborted = True

    def pause_reading(self) -> None:
        """Read on."""


@given(COMMANDS, st.lists(PIECES, max_size=12), st.binary(max_size=3))
def test_any_octets_complete_the_command_or_end_the_connection(
    name: str, pieces: list[bytes], rest: bytes
) -> None:
    async def main() -> None:
        wire = Wire()
        loop = asyncio.get_running_loop()
        protocol = Protocol(loop, Limits(), lambda frame: None)
        protocol.connection_made(wire)
        exchange = protocol.begin(name, segments([name.encode()]), keep=name != "IDLE")
        tag = exchange.tag.encode()
        for piece in [*pieces, rest]:
            protocol.data_received(piece.replace(b"TAG", tag))
        assert wire.aborted == (protocol.failure is not None)
        if not exchange.complete:
            protocol.connection_lost(None)
        if protocol.failure is None or exchange.result in {"OK", "NO", "BAD"}:
            await exchange.wait()
        else:
            with pytest.raises(TemporaryError) as raised:
                await exchange.wait()
            assert raised.value is protocol.failure

    asyncio.run(main())


@given(
    st.lists(st.one_of(st.text(max_size=9), st.text("\u00e4\u20ac", min_size=1))),
    st.lists(PIECES, max_size=8),
)
def test_no_literal_leaves_before_the_server_asked_for_it(
    texts: list[str], pieces: list[bytes]
) -> None:
    """Whatever the server says meanwhile, nothing else leaves."""
    try:
        command = segments([b"X", *map(string, texts)])
    except PermanentError:
        return

    async def main() -> None:
        wire = Wire()
        protocol = Protocol(asyncio.get_running_loop(), Limits(), lambda frame: None)
        protocol.connection_made(wire)
        protocol.data_received(b"* OK hello\r\n")
        tag = protocol.begin("X", list(command)).tag.encode()
        whole = [tag + b" " + command[0], *command[1:]]
        asked = 0
        for piece in [*pieces, b"\r\n", *[b"+ go on\r\n"] * len(command)]:
            asked += piece.count(b"+")
            protocol.data_received(piece.replace(b"TAG", tag))
            assert wire.sent == whole[: len(wire.sent)]
            assert len(wire.sent) <= 1 + asked

    asyncio.run(main())


def test_a_challenge_that_explains_a_refusal_is_answered() -> None:
    sent: list[bytes] = []

    async def main() -> None:
        protocol = Protocol(asyncio.get_running_loop(), Limits(), lambda frame: None)
        wire = Wire()
        wire.write = sent.append  # type: ignore[assignment] # any octets are kept
        protocol.connection_made(wire)
        protocol.data_received(b"* OK hello\r\n")
        exchange = protocol.begin("AUTHENTICATE", [b"AUTHENTICATE XOAUTH2 eA==\r\n"])
        protocol.data_received(b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")
        protocol.data_received(f"{exchange.tag} NO refused\r\n".encode())
        await exchange.wait()
        assert exchange.result == "NO"

    asyncio.run(main())
    assert sent[1:] == [b"\r\n"]


def observed(*said: bytes, fail_after: int | None = None) -> list[bytes]:
    """The untagged lines that the observer sees of these packets."""
    seen: list[bytes] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        protocol = Protocol(loop, Limits(), lambda frame: seen.append(frame[0]))
        protocol.connection_made(Wire())
        for index, packet in enumerate((b"* OK hello\r\n", *said)):
            if index == fail_after:
                protocol.fail(TemporaryError("it was closed"))
            protocol.data_received(packet)
        protocol.connection_lost(None)
        protocol.data_received(b"* 77 EXISTS\r\n")

    asyncio.run(main())
    return seen


NEWS = (b"* 1 EXISTS\r\n* 2 EX", b"ISTS\r\n", b"* 3 EXISTS\r\n")


def test_what_comes_after_the_end_reaches_nobody() -> None:
    assert observed(*NEWS) == [b"* 1 EXISTS", b"* 2 EXISTS", b"* 3 EXISTS"]
    assert observed(*NEWS, fail_after=2) == [b"* 1 EXISTS"]
    assert observed(*NEWS, fail_after=1) == []


@pytest.mark.parametrize("end", [b"* BYE bye\r\n", b"+ go on\r\n", b"A1 OK x\r\n"])
def test_what_comes_in_one_packet_after_the_end_reaches_nobody(end: bytes) -> None:
    assert observed(b"* 1 EXISTS\r\n" + end + b"* 2 EXISTS\r\n") == [b"* 1 EXISTS"]
