"""What goes over the wire, when the dot goes, and which connection carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from postroom.errors import StoreError, TemporaryError
from postroom.ports import DeliveryState
from postroom.transport.smtp import SmtpRelay
from tests.servers.sink import recording_smtp
from tests.transport.smtp.dealings import (
    CONTENT,
    HASTY,
    dealings,
    forget,
    outgoing,
    submission,
)
from tests.transport.smtp.scripted import HANG_UP, ScriptedServer

ANN = "ann@example.com"
EIGHT_BIT = b"Subject: hello\r\n\r\n\xe4\xf6\xfc\r\n"


def test_the_octets_arrive_as_they_are_with_their_envelope() -> None:
    content = (
        CONTENT + b"..\r\n.\r\n" + (b"x" * 998 + b"\r\n") * 70 + b".\r\n\r\n\x00\r\n"
    )
    message = outgoing(ANN, "bob@example.com", content=content)

    async def scenario(port: int) -> None:
        relay = SmtpRelay(submission(port))
        await relay.send(message, message.envelope.recipients, forget)
        await relay.close()

    with recording_smtp() as sink:
        asyncio.run(scenario(sink.port))
        [received] = sink.received
    assert received.raw == content
    assert received.sender == "me@example.org"
    assert received.recipients == (ANN, "bob@example.com")


def test_only_the_recipients_that_were_asked_for_are_told_to_the_server() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            message = outgoing(ANN, "bob@example.com")
            receipts = await post.relay.send(message, [ANN], post.before_dot)
            assert list(receipts) == [ANN]
            assert post.server.commands("RCPT") == [f"RCPT TO:<{ANN}>"]

    asyncio.run(scenario())


def test_a_null_sender_is_sent_as_such() -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(extensions=())) as post:
            await post.send(outgoing(sender=None))
            assert post.server.commands("MAIL") == ["MAIL FROM:<>"]

    asyncio.run(scenario())


def test_mail_tells_the_size_and_what_the_message_needs() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            await post.send(outgoing(content=EIGHT_BIT))
            await post.send(outgoing("jürgen@example.com"))
            assert post.server.commands("MAIL") == [
                f"MAIL FROM:<me@example.org> SIZE={len(EIGHT_BIT)} BODY=8BITMIME",
                f"MAIL FROM:<me@example.org> SIZE={len(CONTENT)} SMTPUTF8",
            ]
            assert post.server.commands("RCPT")[1] == "RCPT TO:<jürgen@example.com>"

    asyncio.run(scenario())


# -- the final dot ---------------------------------------------------------------------


def test_the_dot_waits_until_it_was_announced() -> None:
    async def scenario() -> None:
        async with dealings() as post:

            async def before_dot(accepted: Sequence[str]) -> None:
                assert list(accepted) == [ANN]
                await post.server.has_heard(b"the end\r\n")
                assert post.server.contents == []

            message = outgoing()
            await post.relay.send(message, [ANN], before_dot)
            assert len(post.server.contents) == 1

    asyncio.run(scenario())


def test_only_accepted_recipients_are_announced() -> None:
    async def scenario() -> None:
        refusal: dict[str, bytes | None] = {"RCPT TO:<b": b"550 5.1.1 who?\r\n"}
        async with dealings(ScriptedServer(replies=refusal)) as post:
            await post.send(outgoing(ANN, "bob@example.com", "cy@example.com"))
            assert post.announced == [(ANN, "cy@example.com")]

    asyncio.run(scenario())


def test_nothing_is_announced_when_there_will_be_no_dot() -> None:
    async def scenario() -> None:
        for stage in ("MAIL", "RCPT", "DATA"):
            refusal: dict[str, bytes | None] = {stage: b"550 no\r\n"}
            async with dealings(ScriptedServer(replies=refusal)) as post:
                await post.send(outgoing())
                assert post.announced == []

    asyncio.run(scenario())


def test_when_announcing_fails_the_dot_is_not_sent() -> None:
    async def scenario() -> None:
        async with dealings() as post:

            async def before_dot(_: Sequence[str]) -> None:
                raise StoreError("the disk is full")

            with pytest.raises(StoreError):
                await post.relay.send(outgoing(), [ANN], before_dot)
            await post.send(outgoing())
            assert len(post.server.contents) == 1
            assert post.server.connections == 2

    asyncio.run(scenario())


def test_cancelled_before_the_dot_nothing_is_sent_and_the_next_message_goes() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            announced = asyncio.Event()

            async def before_dot(_: Sequence[str]) -> None:
                announced.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(post.relay.send(outgoing(), [ANN], before_dot))
            await announced.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await post.send(outgoing())
            assert len(post.server.contents) == 1

    asyncio.run(scenario())


def test_cancelled_after_the_dot_the_session_is_not_used_again() -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(replies={".": b""})) as post:
            task = asyncio.create_task(post.send(outgoing()))
            await post.server.has_contents(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            post.server.replies.clear()
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.DELIVERED
            assert post.server.connections == 2

    asyncio.run(scenario())


# -- the connection --------------------------------------------------------------------


def test_the_connection_is_kept_between_messages() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            for _ in range(3):
                await post.send(outgoing())
            assert post.server.connections == 1
            assert len(post.server.contents) == 3

    asyncio.run(scenario())


def test_a_refused_message_leaves_nothing_behind_for_the_next() -> None:
    async def scenario() -> None:
        for stage in ("MAIL", "RCPT", "DATA"):
            async with dealings() as post:
                post.server.replies[stage] = b"451 later\r\n"
                await post.send(outgoing())
                assert post.server.said[-1] == "RSET"
                post.server.replies.clear()
                receipts = await post.send(outgoing())
                assert receipts[ANN].state is DeliveryState.DELIVERED
                assert post.server.connections == 1

    asyncio.run(scenario())


def test_a_server_that_can_not_reset_is_left() -> None:
    async def scenario() -> None:
        for reply in (HANG_UP, b"500 what?\r\n"):
            async with dealings() as post:
                post.server.replies |= {"RCPT": b"550 who?\r\n", "RSET": reply}
                receipts = await post.send(outgoing())
                assert receipts[ANN].code == 550
                post.server.replies.clear()
                await post.send(outgoing())
                assert post.server.connections == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("reply", [HANG_UP, b"421 4.4.2 idle too long\r\n"])
def test_a_kept_connection_that_ends_at_mail_is_replaced(reply: bytes | None) -> None:
    async def scenario() -> None:
        async with dealings() as post:
            await post.send(outgoing())
            first = "MAIL FROM:<you@"
            post.server.replies[first] = reply
            post.server.forget_after = first
            receipts = await post.send(outgoing(sender="you@example.org"))
            assert receipts[ANN].state is DeliveryState.DELIVERED
            assert post.server.connections == 2
            assert len(post.announced) == 2

    asyncio.run(scenario())


def test_a_kept_connection_that_said_goodbye_while_idle_is_replaced() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            await post.send(outgoing())
            await post.server.speak(b"421 4.4.2 idle too long\r\n")
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.DELIVERED
            assert post.server.connections == 2

    asyncio.run(scenario())


def test_a_kept_connection_that_ends_after_mail_is_not_replaced() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            await post.send(outgoing())
            post.server.replies["RCPT"] = HANG_UP
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.DELAYED
            assert post.server.connections == 1

    asyncio.run(scenario())


# -- much to send ----------------------------------------------------------------------


def test_a_large_message_leaves_the_event_loop_to_others() -> None:
    async def scenario() -> int:
        content = (b"." * 998 + b"\r\n") * 8_000
        server = ScriptedServer(extensions=())
        async with dealings(server) as post:
            turns = 0

            async def count_turns() -> None:
                nonlocal turns
                while not post.server.contents:
                    turns += 1
                    await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                group.create_task(count_turns())
                await post.send(outgoing(content=content))
            assert len(post.server.contents[0]) == 8_000 * 1001
            return turns

    assert asyncio.run(scenario()) > 8_000_000 // 65_536


def test_a_server_that_stops_reading_delays_the_message() -> None:
    async def scenario() -> None:
        content = (b"x" * 998 + b"\r\n") * 20_000
        server = ScriptedServer(extensions=(), deaf=True)
        async with dealings(server, timings=HASTY) as post:
            receipts = await post.send(outgoing(content=content))
            assert receipts[ANN].state is DeliveryState.DELAYED
            assert post.announced == []

    asyncio.run(scenario())


def test_a_connection_lost_within_the_content_delays_the_message() -> None:
    async def scenario() -> None:
        content = (b"x" * 998 + b"\r\n") * 20_000
        server = ScriptedServer(extensions=(), replies={"DATA": b"354 go\r\n"})
        server.content_limit = 100_000
        async with dealings(server) as post:
            receipts = await post.send(outgoing(content=content))
            assert receipts[ANN].state is DeliveryState.DELAYED
            assert post.announced == []

    asyncio.run(scenario())


def test_a_server_that_refuses_every_connection_may_come_back() -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(replies={"GREETING": HANG_UP})) as post:
            with pytest.raises(TemporaryError):
                await post.send(outgoing())
            post.server.replies.clear()
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.DELIVERED

    asyncio.run(scenario())
