"""What is unknown is looked for, a few times, before its policy counts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import AuthenticationError, PostroomError, TemporaryError
from postroom.mail.envelope import Retry
from postroom.ports import Placement, Relay
from postroom.service.sender import Sender
from tests.service.outbox import Outbox, at_work, running
from tests.transport.smtp.scripted import HANG_UP, ScriptedServer

ANN, BOB = "ann@example.com", "bob@example.com"
FOUND = "found in Sent (UID 7, UIDVALIDITY 3)"


@dataclass
class Sent:
    """A mailbox of what was submitted, as a test wants it."""

    held: set[str] = field(default_factory=set)
    there: bool = True
    error: PostroomError | None = None
    asked: list[set[str]] = field(default_factory=list)

    async def find_sent(
        self, message_ids: Collection[str]
    ) -> Mapping[str, Placement] | None:
        """Those of these that it holds."""
        self.asked.append(set(message_ids))
        if self.error:
            raise self.error
        place = Placement("Sent", 3, 7)
        return dict.fromkeys(self.held & {*message_ids}, place) if self.there else None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "postroom.db"


def sender(outbox: Outbox, relays: dict[str, Relay], sent: Sent) -> Sender:
    """A sender whose relay keeps what was submitted there."""
    return outbox.sender(relays, sent=lambda relay: sent)


async def lose(
    outbox: Outbox, server: ScriptedServer, relays: dict[str, Relay], sent: Sent
) -> None:
    """Have what is in the outbox sent, and every reply to it lost."""
    server.replies["."] = HANG_UP
    await sender(outbox, relays, sent).drain()
    server.replies.clear()


@pytest.mark.parametrize("retry", list(Retry))
def test_what_is_found_is_delivered_with_its_evidence(path: Path, retry: Retry) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put(retry=retry, expunge=True)
            sent = Sent({"<1@example.org>"})
            await lose(outbox, server, relays, sent)
            assert outbox.states() == {ANN: "delivered"}
            first, look = outbox.attempts()
            assert (first["outcome"], first["charged"]) == ("unknown", 1)
            assert (look["outcome"], look["charged"]) == ("delivered", 0)
            assert look["reply"] == FOUND
            assert outbox.ended == [("delivered", FOUND)]
            assert outbox.settled[-1] == {("home", "INBOX")}
            assert len(server.contents) == 1

    asyncio.run(scenario())


def test_it_is_looked_for_again_and_then_a_forward_is_sent_again(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put()
            sent = Sent()
            await lose(outbox, server, relays, sent)
            for seconds in (20, 70, 200):
                assert outbox.states() == {ANN: "unknown"}
                assert outbox.ended == []
                outbox.clock.ahead = timedelta(seconds=seconds)
                await sender(outbox, relays, sent).drain()
            assert len(sent.asked) == 4
            assert outbox.states() == {ANN: "delayed"}
            [row] = outbox.deliveries()
            assert row["reply"] == "outcome unknown: it is not in Sent"
            assert row["attempts"] == 1
            outbox.clock.ahead = timedelta(minutes=20)
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "delivered"}
            assert len(set(server.contents)) == 1 < len(server.contents)

    asyncio.run(scenario())


def test_what_the_server_stores_late_is_found_by_the_next_look(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put()
            sent = Sent()
            await lose(outbox, server, relays, sent)
            sent.held.add("<1@example.org>")
            outbox.clock.ahead = timedelta(seconds=20)
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "delivered"}
            assert len(server.contents) == 1

    asyncio.run(scenario())


def test_an_answer_that_is_not_found_is_never_sent_again(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put(retry=Retry.AT_MOST_ONCE)
            sent = Sent()
            await lose(outbox, server, relays, sent)
            for days in (1, 30):
                outbox.clock.ahead = timedelta(days=days)
                await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "unknown"}
            assert len(sent.asked) == 2  # never again after the last look
            assert outbox.ended == [("unknown", "outcome unknown: it is not in Sent")]
            assert len(server.contents) == 1

    asyncio.run(scenario())


def test_a_sent_mailbox_that_keeps_no_submissions_is_not_waited_for(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            sent = Sent()
            await outbox.put()
            await sender(outbox, relays, sent).drain()
            outbox.clock.ahead = timedelta(minutes=10)
            await outbox.put(BOB)
            await lose(outbox, server, relays, sent)
            assert sent.asked == [{"<1@example.org>", "<2@example.org>"}]
            assert outbox.states() == {ANN: "delivered", BOB: "delayed"}
            assert "does not keep" in outbox.deliveries()[1]["reply"]

    asyncio.run(scenario())


def test_a_copy_from_before_tells_nothing_of_a_recipient_who_came_later(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            sent = Sent({"<1@example.org>"})
            await outbox.put(ANN, BOB)
            server.replies[f"RCPT TO:<{BOB}"] = b"451 later\r\n"
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "delivered", BOB: "delayed"}
            outbox.clock.ahead = timedelta(minutes=6)
            server.replies.clear()
            await lose(outbox, server, relays, sent)
            assert outbox.states() == {ANN: "delivered", BOB: "delayed"}
            assert "would not tell" in outbox.deliveries()[1]["reply"]

    asyncio.run(scenario())


def test_a_server_that_can_not_be_asked_is_asked_again_for_an_hour(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put()
            sent = Sent(error=TemporaryError("it is away"))
            await lose(outbox, server, relays, sent)
            outbox.clock.ahead = timedelta(minutes=59)
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "unknown"}
            outbox.clock.ahead = timedelta(minutes=62)
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "delayed"}
            assert "it is away" in outbox.deliveries()[0]["reply"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (Sent(there=False), "there is no Sent mailbox that could tell"),
        (Sent(error=AuthenticationError("no")), "Sent can't be asked: no"),
    ],
    ids=["absent", "refused"],
)
def test_what_can_never_be_asked_goes_by_its_policy_at_once(
    path: Path, sent: Sent, told: str
) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put()
            await lose(outbox, server, relays, sent)
            assert outbox.states() == {ANN: "delayed"}
            assert outbox.deliveries()[0]["reply"] == f"outcome unknown: {told}"

    asyncio.run(scenario())


def test_a_running_sender_looks_as_soon_as_something_is_unknown(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": HANG_UP}) as (outbox, _, relays):
            sent = Sent({"<1@example.org>"})
            await outbox.put()
            async with running(sender(outbox, relays, sent).run()):
                async with asyncio.timeout(20):
                    await outbox.end.wait()
            assert outbox.states() == {ANN: "delivered"}

    asyncio.run(scenario())


def test_what_its_owner_retries_meanwhile_is_his(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put()
            await lose(outbox, server, relays, Sent())
            outbox.clock.ahead = timedelta(seconds=20)
            [doubt] = await outbox.store.doubts(outbox.clock.now())
            assert await outbox.store.retry_deliveries([doubt.delivery.id]) == []
            sent = Sent({"<1@example.org>"})
            await sender(outbox, relays, sent).drain()
            assert outbox.states() == {ANN: "delivered"}
            assert sent.asked == []
            assert len(server.contents) == 2

    asyncio.run(scenario())
