"""A refusal that providers document is known for what it is, and no other is."""

from __future__ import annotations

import asyncio

import pytest

from postroom.mail.envelope import Outgoing
from postroom.ports import DeliveryState, Receipt
from tests.transport.smtp.dealings import CONTENT, dealings, outgoing
from tests.transport.smtp.scripted import ScriptedServer

ANN = "ann@example.com"
STAGES = ["MAIL", "RCPT", "DATA", "."]
ADVICE = (
    "the relay does not let postroom send as 'me@example.org': have it allow that "
    "address, or set the account's `address` to one that it allows"
)
REDIRECTED = (
    b"Resent-From: me@example.org\r\nFrom: Cy <cy@example.net>\r\n\r\nhello\r\n"
)


def hear(stage: str, reply: str, message: Outgoing | None = None) -> Receipt:
    """What comes of a message of which this is answered."""

    async def scenario() -> Receipt:
        script = ScriptedServer(replies={stage: f"{reply}\r\n".encode()})
        async with dealings(script) as post:
            return (await post.send(message or outgoing()))[ANN]

    return asyncio.run(scenario())


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "reply",
    [
        "550 5.4.5 Daily user sending limit exceeded. For more information 1-2 - gsmtp",
        "550-5.4.5 Daily user sending limit exceeded.\r\n550 5.4.5  1-2 - gsmtp",
        "550 5.4.5 Daily SMTP relay limit exceeded for user.",
        "550 5.7.1 Daily SMTP relay limit exceeded for customer.",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit",
        "550 5.7.232 Your message can't be sent because your trial tenant has exceeded",
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; no",
    ],
)
def test_a_limit_for_a_day_is_no_refusal_for_good(stage: str, reply: str) -> None:
    receipt = hear(stage, reply)
    assert receipt.state is DeliveryState.DELAYED
    assert receipt.limit
    assert receipt.code == int(reply[:3])
    assert receipt.reply.startswith(reply[4:24])


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <5.4.5@example.com> nobody of that name",
        "550 5.1.1 <STOREDRV.Submission.Exception:SubmissionQuotaExceeded@e.com> who?",
        "550 no 5.4.5 here",
        "550 5.4.50 what",
        "552 5.2.2 mailbox full, its daily limit is exceeded",
        "550 5.7.1 the daily limit of this recipient is exceeded",
    ],
)
def test_what_only_speaks_of_a_limit_is_refused_for_good(reply: str) -> None:
    """A stranger may have chosen the address that a relay repeats."""
    receipt = hear(".", reply)
    assert receipt == Receipt(DeliveryState.FAILED, int(reply[:3]), reply[4:])


def test_a_limit_that_is_said_to_end_soon_is_waited_for_as_ever() -> None:
    receipt = hear(".", "454 Throttling failure: Daily message quota exceeded.")
    words = "Throttling failure: Daily message quota exceeded."
    assert receipt == Receipt(DeliveryState.DELAYED, 454, words)


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("MAIL", "550 5.7.60 SMTP; Client does not have permissions to send as this"),
        (".", "550 5.7.60 SMTP; Client does not have permissions to send as this"),
        (".", "550 5.7.1 Client does not have permissions to send as this sender"),
        (".", "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.Mapi"),
        (
            "MAIL",
            "550 5.2.252 Sender throttled due to continuous send as denied errors",
        ),
        (
            "RCPT",
            "553 5.7.1 <me@example.org>: Sender address rejected: not owned by me",
        ),
        ("MAIL", "550 5.7.0 From address is not one of your addresses"),
        ("MAIL", "550 5.1.0 sender refused"),
        ("MAIL", "553 sender refused"),
    ],
)
def test_a_sender_that_is_refused_is_explained(stage: str, reply: str) -> None:
    receipt = hear(stage, reply)
    code, words = int(reply[:3]), reply[4:]
    assert receipt == Receipt(DeliveryState.FAILED, code, f"{words}; {ADVICE}")


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("MAIL", "552 5.3.4 too big"),
        ("MAIL", "501 5.5.4 what?"),
        ("MAIL", "550 5.3.2 not today"),
        ("RCPT", "550 5.7.1 relaying denied"),
        ("DATA", "554 5.5.1 no recipients"),
        (".", "554 5.7.1 this looks like spam"),
    ],
)
def test_a_refusal_of_something_else_stands_in_the_words_of_the_relay(
    stage: str, reply: str
) -> None:
    code, words = int(reply[:3]), reply[4:]
    assert hear(stage, reply) == Receipt(DeliveryState.FAILED, code, words)


def test_who_is_logged_in_is_told() -> None:
    async def scenario() -> Receipt:
        refusal = b"550 5.7.0 From address is not one of your addresses\r\n"
        script = ScriptedServer(("AUTH PLAIN",), {"MAIL": refusal})
        async with dealings(script, password=lambda: "secret") as post:
            return (await post.send(outgoing()))[ANN]

    receipt = asyncio.run(scenario())
    assert "the relay does not let user 'postroom' send as 'me@" in receipt.reply


def test_an_author_for_whom_the_relay_does_not_send_is_to_be_forwarded() -> None:
    message = outgoing(content=REDIRECTED)
    receipt = hear(".", "550 5.7.60 SMTP; Client does not have permissions", message)
    told = "does not let postroom send what is from 'cy@example.net': let the rule `for"
    assert told in receipt.reply
    receipt = hear("MAIL", "550 5.7.60 SMTP; Client does not have permissions", message)
    assert receipt.reply.endswith(ADVICE), "the envelope was refused, not the author"


def test_the_owners_own_address_is_no_strange_author() -> None:
    message = outgoing(content=b"From: Me <Me@Example.org>\r\n" + CONTENT)
    receipt = hear(".", "550 5.7.60 SMTP; Client does not have permissions", message)
    assert receipt.reply.endswith(ADVICE)
