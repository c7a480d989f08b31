"""What a lane does when it can't send a message, or may not."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from postroom.errors import StoreError
from postroom.ports.stages import FATAL
from postroom.service.door import Door
from tests.service.outbox import Outbox, at_work, running
from tests.transport.smtp.scripted import HANG_UP, OK, SILENCE

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is made."""
    return tmp_path / "postroom.db"


def test_a_message_whose_octets_are_damaged_is_held_and_others_are_sent(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            await outbox.put(ANN, BOB, content=b"damaged\r\n", expunge=True)
            await outbox.put(CY, content=b"sound\r\n")
            with closing(sqlite3.connect(path)) as other, other:
                other.execute(
                    "UPDATE content_chunk SET octets = x'00' WHERE octets = ?",
                    [b"damaged\r\n"],
                )
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "held", BOB: "held", CY: "delivered"}
            assert server.contents == [b"sound\r\n"]
            ann, *_ = outbox.deliveries()
            assert "is damaged in the store" in ann["reply"]
            assert ann["attempts"] == 0
            assert await outbox.store.open_effects("home", "INBOX", 1) == []

    with capture_logs() as events:
        asyncio.run(scenario())
    held = [each for each in events if each["event"] == "delivery_held"]
    assert [each["recipient"] for each in held] == [ANN, BOB]


def test_a_store_that_fails_as_a_whole_ends_the_sender(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, _, relays):
            await outbox.put(ANN)
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("ALTER TABLE content_chunk RENAME TO lost")
            with pytest.raises(ExceptionGroup) as caught:
                await outbox.sender(relays).drain()
            assert caught.group_contains(StoreError, match="no such table")

    asyncio.run(scenario())


def test_a_door_that_is_closed_in_the_middle_of_a_batch_lets_nothing_more_out(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": SILENCE}) as (outbox, server, relays):
            for recipient in (ANN, BOB, CY):
                await outbox.put(recipient)
            door = Door()
            task = asyncio.create_task(outbox.sender(relays, door=door).drain())
            await server.has_contents(1)
            door.is_open = False
            server.replies.clear()
            await server.speak(OK)
            await task
            assert outbox.states() == {ANN: "delivered", BOB: "queued", CY: "queued"}

    asyncio.run(scenario())


def test_a_delivery_taken_away_before_its_dot_is_not_sent_and_blames_nobody(
    path: Path,
) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {f"RCPT TO:<{BOB}": SILENCE}
        async with at_work(path, replies) as (outbox, server, relays):
            await outbox.put(ANN, BOB)
            await outbox.put(CY)
            sender = outbox.sender(relays)
            task = asyncio.create_task(sender.drain())
            await server.until(lambda: f"RCPT TO:<{BOB}>" in server.said)
            ann, *_ = outbox.deliveries()
            assert await outbox.store.hold_deliveries([ann["id"]], "wait") == []
            server.replies.clear()
            await server.speak(OK)
            await task
            assert outbox.states() == {ANN: "held", BOB: "delivered", CY: "delivered"}
            assert [row["attempts"] for row in outbox.deliveries()] == [0, 1, 1]
            assert len(server.contents) == 2
            assert sender.state["home"].last_error == ""

    asyncio.run(scenario())


# -- attempts that never end -----------------------------------------------------------


def begun(outbox: Outbox) -> list[tuple[int, int]]:
    """How many attempts are counted of each delivery, and how many have no end."""
    return [(row["attempts"], row["begun"]) for row in outbox.deliveries()]


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def test_an_attempt_counts_before_the_relay_is_asked_and_not_when_it_is_stopped(
    path: Path, stage: str
) -> None:
    async def scenario() -> None:
        async with at_work(path, {stage: SILENCE}) as (outbox, server, relays):
            await outbox.put(ANN)
            async with running(outbox.sender(relays).run()):
                await server.until(lambda: bool(server.connections))
                if stage != "GREETING":
                    await server.until(lambda: bool(server.commands(stage)))
                assert begun(outbox) == [(1, 1)]
            assert begun(outbox) == [(0, 0)]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("replies", "counted"),
    [({"GREETING": HANG_UP}, 0), ({"MAIL": HANG_UP}, 0), ({"MAIL": b"451 no\r\n"}, 1)],
)
def test_what_the_relay_ends_is_no_attempt_without_an_end(
    path: Path, replies: dict[str, bytes | None], counted: int
) -> None:
    async def scenario() -> None:
        async with at_work(path, replies) as (outbox, _, relays):
            await outbox.put(ANN)
            await outbox.sender(relays).drain()
            assert begun(outbox) == [(counted, 0)]

    asyncio.run(scenario())


def test_what_the_process_ended_at_three_times_is_held_and_others_are_sent(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, _, relays):
            await outbox.put(ANN)
            await outbox.put(BOB)
            ann, _ = outbox.deliveries()
            for _ in range(3):
                await outbox.store.begin_sending([ann["id"]])  # and it is killed
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "held", BOB: "delivered"}
            held, _ = outbox.deliveries()
            assert (held["attempts"], held["reply"]) == (3, FATAL)
            assert await outbox.store.retry_deliveries([held["id"]]) == []
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "delivered", BOB: "delivered"}

    asyncio.run(scenario())
