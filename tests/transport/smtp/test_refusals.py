"""What can't go as it is does not reach the server; what can is not kept back."""

from __future__ import annotations

import asyncio

import pytest

from postroom.mail.envelope import Outgoing
from postroom.ports import DeliveryState, Receipt
from tests.transport.smtp.dealings import CONTENT, dealings, outgoing
from tests.transport.smtp.scripted import ScriptedServer

ANN = "ann@example.com"
EVERYTHING = ("SIZE 1000", "8BITMIME", "SMTPUTF8")


def offer(
    message: Outgoing, extensions: tuple[str, ...] = EVERYTHING
) -> tuple[dict[str, Receipt], ScriptedServer]:
    """Send to a server that accepts everything and offers these extensions."""

    async def scenario() -> tuple[dict[str, Receipt], ScriptedServer]:
        async with dealings(ScriptedServer(extensions)) as post:
            return await post.send(message), post.server

    return asyncio.run(scenario())


def assert_kept_back(message: Outgoing, extensions: tuple[str, ...], why: str) -> None:
    """The server hears nothing of the message, and each receipt tells why."""
    receipts, server = offer(message, extensions)
    assert set(receipts) == set(message.envelope.recipients)
    for receipt in receipts.values():
        assert receipt.state is DeliveryState.FAILED
        assert receipt.code == 0
        assert why in receipt.reply
    assert server.commands("MAIL") == []


@pytest.mark.parametrize(
    "content",
    [
        b"a\nb\r\n",
        b"a\rb\r\n",
        b"a\r\r\nb\r\n",
        b"a\r\n.\r\r\n",
        b"a\n.\nMAIL FROM:<evil@example.org>\r\n",
        b"a\n.\r\nMAIL FROM:<evil@example.org>\r\n",
        b"x" * 65_535 + b"\n\r\n",
        b"x" * 65_535 + b"\r" + b"x\r\n",
    ],
)
def test_a_line_end_that_stands_alone_is_not_sent(content: bytes) -> None:
    assert_kept_back(outgoing(content=content), ("8BITMIME",), "stands alone")


@pytest.mark.parametrize("content", [b"", b"no line end", b"a\r\nb", b"a\r\n\r"])
def test_a_message_that_does_not_end_its_last_line_is_not_sent(content: bytes) -> None:
    assert_kept_back(outgoing(content=content), EVERYTHING, "end with CRLF")


def test_a_message_larger_than_the_server_takes_is_not_sent() -> None:
    message = outgoing(content=b"x" * 999 + b"\r\n")
    assert_kept_back(message, EVERYTHING, "1001 octets, the server takes 1000")


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE much", "SIZE 1000"])
def test_a_message_goes_where_no_limit_keeps_it_back(size: str) -> None:
    receipts, _ = offer(outgoing(content=b"x" * 998 + b"\r\n"), (size,))
    assert receipts[ANN].state is DeliveryState.DELIVERED


def test_8_bit_text_is_not_sent_to_a_server_that_may_spoil_it() -> None:
    message = outgoing(ANN, "bob@example.com", content=b"\xc3\xa4\r\n")
    advice = "does not offer 8BITMIME; have the account send by one that does"
    assert_kept_back(message, ("SIZE 1000",), advice)


def test_a_sender_beyond_ascii_needs_smtputf8() -> None:
    message = outgoing(sender="jürgen@example.org")
    assert_kept_back(message, ("8BITMIME",), "SMTPUTF8")


def test_a_recipient_beyond_ascii_does_not_keep_back_the_others() -> None:
    receipts, server = offer(outgoing("jürgen@example.org", ANN), ("8BITMIME",))
    assert receipts["jürgen@example.org"].state is DeliveryState.FAILED
    assert receipts[ANN].state is DeliveryState.DELIVERED
    assert server.commands("RCPT") == [f"RCPT TO:<{ANN}>"]


UNSAFE = [
    "",
    "ann",
    "@example.com",
    "ann@",
    "ok@x>\r\nRCPT TO:<evil@x",
    "ann@example.com\r\nDATA",
    "ann@example.com\n",
    "ann@exam\x00ple.com",
    "ann@exam\x7fple.com",
    "ann@exam\x85ple.com",
    "ann@exam\u2028ple.com",
    "ann@exam\udc80ple.com",
    "ann bee@example.com",
    "ann@example.com SIZE=1",
    "<ann@example.com>",
    "Ann <ann@example.com>",
    "@relay.example:ann@example.com",
    "a" * 250 + "@example.com",
]


@pytest.mark.parametrize("address", UNSAFE)
def test_an_unsafe_recipient_is_never_told_to_a_server(address: str) -> None:
    receipts, server = offer(outgoing(address, ANN))
    assert receipts[address].state is DeliveryState.FAILED
    assert receipts[ANN].state is DeliveryState.DELIVERED
    assert server.commands("RCPT") == [f"RCPT TO:<{ANN}>"]
    assert receipts[address].reply.isprintable()


@pytest.mark.parametrize("address", UNSAFE)
def test_an_unsafe_sender_is_never_told_to_a_server(address: str) -> None:
    assert_kept_back(outgoing(sender=address), EVERYTHING, "no address")


@pytest.mark.parametrize(
    "address", ["a.b+c@example.com", '"a@b"@example.com', "x@[192.0.2.1]", "o'n@e.org"]
)
def test_unusual_addresses_are_sent_as_they_are(address: str) -> None:
    _, server = offer(outgoing(address, content=CONTENT))
    assert server.commands("RCPT") == [f"RCPT TO:<{address}>"]
