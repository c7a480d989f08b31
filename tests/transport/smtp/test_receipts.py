"""Each recipient's receipt says what the server said, and nothing it did not say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.errors import AuthenticationError, TemporaryError
from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp import SmtpRelay
from tests.servers.programs import LOOPBACK, find_program, free_ports, running, why_not
from tests.transport.smtp.dealings import (
    CONTENT,
    HASTY,
    SHORT,
    dealings,
    forget,
    outgoing,
    submission,
)
from tests.transport.smtp.scripted import HANG_UP, OK, SILENCE, ScriptedServer

ANN, BOB = "ann@example.com", "bob@example.com"
STAGES = ["MAIL", "RCPT", "DATA", "."]


def receipts_from(
    replies: dict[str, bytes | None], *recipients: str
) -> tuple[dict[str, Receipt], ScriptedServer]:
    """Send once to a server with these replies; only silence is cut short."""
    timings = HASTY if SILENCE in replies.values() else SHORT

    async def scenario() -> tuple[dict[str, Receipt], ScriptedServer]:
        async with dealings(ScriptedServer(replies=replies), timings=timings) as post:
            return await post.send(outgoing(*recipients)), post.server

    return asyncio.run(scenario())


def test_a_message_that_the_server_took_is_delivered() -> None:
    receipts, server = receipts_from({".": b"250 2.0.0 queued as 42\r\n"})
    assert receipts == {
        ANN: Receipt(DeliveryState.DELIVERED, 250, "2.0.0 queued as 42")
    }
    assert server.contents == [CONTENT.replace(b"\r\n.", b"\r\n..")]


@pytest.mark.parametrize("stage", STAGES)
def test_a_5yz_reply_fails_the_recipient_at_every_stage(stage: str) -> None:
    receipts, _ = receipts_from({stage: b"554-no\r\n554 never\r\n"})
    assert receipts == {ANN: Receipt(DeliveryState.FAILED, 554, "no never")}


@pytest.mark.parametrize("size", ["SIZE 0", "SIZE 1000000"])
def test_a_message_that_is_too_large_after_all_is_not_sent_again(size: str) -> None:
    """The server lied about what it takes, and tells so at the final dot."""

    async def scenario() -> Receipt:
        replies: dict[str, bytes | None] = {".": b"552 5.3.4 too big\r\n"}
        async with dealings(ScriptedServer((size,), replies)) as post:
            return (await post.send(outgoing()))[ANN]

    refused = Receipt(DeliveryState.FAILED, 552, "5.3.4 too big")
    assert asyncio.run(scenario()) == refused


@pytest.mark.parametrize("stage", STAGES)
def test_a_4yz_reply_delays_the_recipient_at_every_stage(stage: str) -> None:
    receipts, _ = receipts_from({stage: b"451 4.3.0 later\r\n"})
    assert receipts == {ANN: Receipt(DeliveryState.DELAYED, 451, "4.3.0 later")}


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_421_before_the_dot_is_no_attempt(stage: str) -> None:
    with pytest.raises(TemporaryError, match="421"):
        receipts_from({stage: b"421 4.3.2 closing\r\n"})


def test_421_after_the_dot_delays_and_ends_the_session() -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {".": b"421 4.3.2 closing\r\n"}
        async with dealings(ScriptedServer(replies=replies)) as post:
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.DELAYED
            await post.send(outgoing())
            assert post.server.connections == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_demands_a_login_refuses_the_credentials(stage: str) -> None:
    with pytest.raises(AuthenticationError, match="530"):
        receipts_from({stage: b"530 5.7.0 log in first\r\n"})


def test_each_recipient_has_its_own_receipt() -> None:
    receipts, server = receipts_from(
        {f"RCPT TO:<{BOB}>": b"550 5.1.1 who?\r\n"}, ANN, BOB, "cy@example.com"
    )
    assert receipts[ANN].state is DeliveryState.DELIVERED
    assert receipts[BOB] == Receipt(DeliveryState.FAILED, 550, "5.1.1 who?")
    assert receipts["cy@example.com"].state is DeliveryState.DELIVERED
    assert len(server.contents) == 1


@pytest.mark.parametrize("code", [452, 552])
def test_too_many_recipients_delay_only_those_that_were_too_many(code: int) -> None:
    reply = b"%d 4.5.3 too many recipients\r\n" % code
    receipts, _ = receipts_from({f"RCPT TO:<{BOB}>": reply}, ANN, BOB)
    assert receipts[ANN].state is DeliveryState.DELIVERED
    assert receipts[BOB].state is DeliveryState.DELAYED


def test_a_message_that_all_recipients_were_refused_is_reset() -> None:
    receipts, server = receipts_from({"RCPT": b"550 5.1.1 who?\r\n"}, ANN, BOB)
    assert {each.state for each in receipts.values()} == {DeliveryState.FAILED}
    assert server.said[-2:] == ["RSET", "QUIT"]
    assert server.contents == []


NO_REPLY_TO_THE_DOT = {
    "hangs up": HANG_UP,
    "is silent": SILENCE,
    "babbles": b"hello there\r\n",
    "answers HTTP": b"HTTP/1.1 400 Bad Request\r\n",
    "runs digits together": b"2500 OK\r\n",
    "has no line end": b"250 OK",
    "goes on for ever": b"250-more\r\n" * 10_000,
    "has an endless line": b"250 " + b"x" * 100_000,
    "changes its mind": b"250-fine\r\n550 no\r\n",
    "asks for more": b"354 go on\r\n",
    "counts below": b"150 OK\r\n",
}


@pytest.mark.parametrize(
    "reply", NO_REPLY_TO_THE_DOT.values(), ids=NO_REPLY_TO_THE_DOT.keys()
)
def test_without_a_reply_to_the_dot_the_outcome_is_unknown(reply: bytes | None) -> None:
    replies = {".": reply, f"RCPT TO:<{BOB}>": b"550 5.1.1 who?\r\n"}
    receipts, server = receipts_from(replies, ANN, BOB)
    assert receipts[ANN].state is DeliveryState.UNKNOWN
    assert receipts[ANN].reply
    assert receipts[BOB] == Receipt(DeliveryState.FAILED, 550, "5.1.1 who?")
    assert len(server.contents) == 1


@pytest.mark.parametrize("line", [b"250-more\r\n", b"x" * 10])
def test_a_reply_without_an_end_is_cut_off_before_its_deadline(line: bytes) -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(replies={".": line * 10_000})) as post:
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.UNKNOWN
            assert "more than 65536 octets" in receipts[ANN].reply

    asyncio.run(scenario())


def test_a_reply_that_drips_does_not_outlast_its_deadline() -> None:
    async def scenario() -> None:
        # Each octet of every reply comes late: only that to the dot has a short time.
        async with dealings(timings=replace(SHORT, final_dot=0.2)) as post:
            post.server.drip = 0.01
            post.server.replies["."] = b"250 " + b"x" * 1000 + b"\r\n"
            receipts = await post.send(outgoing())
            assert receipts[ANN].state is DeliveryState.UNKNOWN

    asyncio.run(scenario())


def test_a_reply_in_advance_with_the_354_is_never_taken_for_success() -> None:
    receipts, server = receipts_from({"DATA": b"354 go on\r\n250 2.0.0 OK\r\n"})
    assert receipts[ANN].state is DeliveryState.DELAYED
    assert "out of turn" in receipts[ANN].reply
    assert server.contents == []


def test_a_reply_in_advance_during_the_content_is_never_taken_for_success() -> None:
    async def scenario() -> None:
        async with dealings() as post:
            message = outgoing()
            spoke = asyncio.Event()

            async def before_dot(_: object) -> None:
                await post.server.has_heard(b"the end\r\n")
                await post.server.speak(OK)
                spoke.set()

            receipts = await post.relay.send(message, [ANN], before_dot)
            assert spoke.is_set()
            assert receipts[ANN].state is DeliveryState.DELAYED
            assert "out of turn" in receipts[ANN].reply
            assert post.server.contents == []

    asyncio.run(scenario())


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
@pytest.mark.parametrize("reply", [HANG_UP, SILENCE, b"what?\r\n", b"334 go on\r\n"])
def test_a_session_that_breaks_before_the_dot_delays(
    stage: str, reply: bytes | None
) -> None:
    receipts, server = receipts_from({stage: reply}, ANN)
    assert receipts[ANN].state is DeliveryState.DELAYED
    assert receipts[ANN].code == 0
    assert server.contents == []


@pytest.mark.parametrize("reply", [HANG_UP, SILENCE, b"what?\r\n"])
def test_a_new_session_that_breaks_at_mail_is_no_attempt(reply: bytes | None) -> None:
    with pytest.raises(TemporaryError):
        receipts_from({"MAIL": reply})


def test_a_200_at_data_is_no_leave_to_send() -> None:
    receipts, server = receipts_from({"DATA": OK})
    assert receipts[ANN].state is DeliveryState.DELAYED
    assert server.contents == []


def test_the_words_of_a_reply_are_made_safe_for_a_terminal() -> None:
    receipts, _ = receipts_from({".": b"550 \x1b[2Jgone \xff\r\n"})
    assert receipts[ANN].reply == "?[2Jgone \N{REPLACEMENT CHARACTER}"


@pytest.mark.skipif(why_not("smtp-sink") is not None, reason=str(why_not("smtp-sink")))
@pytest.mark.parametrize(
    ("faults", "state"),
    [
        ([], DeliveryState.DELIVERED),
        (["-q", "."], DeliveryState.UNKNOWN),
        (["-q", "data"], DeliveryState.DELAYED),
        (["-f", "."], DeliveryState.FAILED),
        (["-r", "rcpt"], DeliveryState.DELAYED),
    ],
)
def test_the_faults_of_a_sink_that_is_not_ours(
    tmp_path: Path, faults: list[str], state: DeliveryState
) -> None:
    [port] = free_ports(1)
    sink = find_program("smtp-sink") or ""
    command = [sink, "-u", "nobody", *faults, f"{LOOPBACK}:{port}", "10"]

    async def scenario() -> dict[str, Receipt]:
        relay = SmtpRelay(submission(port))
        message = outgoing(ANN)
        receipts = await relay.send(message, [ANN], forget)
        await relay.close()
        return receipts

    with running(command, [port], tmp_path / "log"):
        assert asyncio.run(scenario())[ANN].state is state
