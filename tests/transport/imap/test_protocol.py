"""No octets of a server get out of hand: they are an answer, or the end."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.protocol import Protocol
from postroom.transport.imap.wire import segments

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
    """A transport that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what is sent."""

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
