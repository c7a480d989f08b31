"""A relay that fails: nobody is charged, no other is delayed, it is left in peace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.service.retries import RetrySchedule
from postroom.transport.smtp import SmtpRelay
from tests.servers.programs import free_ports
from tests.service.outbox import QUICK, Outbox, at_work, open_outbox, running
from tests.transport.smtp.dealings import submission
from tests.transport.smtp.scripted import HANG_UP, ScriptedServer, scripted_server

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is made."""
    return tmp_path / "postroom.db"


def test_a_relay_that_is_down_charges_nobody_and_delays_no_other(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            [nobody] = free_ports(1)
            relays["down"] = SmtpRelay(submission(nobody))
            for _ in range(120):
                await outbox.put(BOB, relay="down")
            await outbox.put(ANN)
            sender = outbox.sender(relays)
            await sender.drain()
            assert len(server.contents) == 1
            waiting = [row for row in outbox.deliveries() if row["recipient"] == BOB]
            assert {(row["state"], row["attempts"]) for row in waiting} == {
                ("queued", 0)
            }
            assert "127.0.0.1" in sender.state["down"].last_error
            assert sender.state["down"].retry_at is not None
            assert sender.state["down"].last_success is None
            assert sender.state["home"].last_success is not None
            assert sender.state["home"].last_error == ""

    asyncio.run(scenario())


def test_a_relay_that_comes_back_is_found_without_a_bell(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {"GREETING": HANG_UP}) as (outbox, server, relays):
            await outbox.put()
            sender = outbox.sender(relays, QUICK)
            async with running(sender.run()):
                await server.until(lambda: server.connections > 2)
                server.replies.clear()
                await server.has_contents(1)
            assert sender.state["home"].last_error == ""

    asyncio.run(scenario())


def test_a_message_that_a_relay_can_not_bear_does_not_keep_back_the_others(
    path: Path,
) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {f"RCPT TO:<{BOB}": b"421 4.3.2 argh\r\n"}
        async with at_work(path, replies) as (outbox, server, relays):
            await outbox.put(BOB)
            await outbox.put(ANN)
            await outbox.put(CY)
            async with running(outbox.sender(relays, QUICK).run()):
                await server.has_contents(2)
            states = outbox.states()
            assert states.pop(BOB) != "delivered"
            assert states == {ANN: "delivered", CY: "delivered"}

    asyncio.run(scenario())


@pytest.mark.parametrize("reply", [b"421 4.3.2 argh\r\n", b"530 5.7.0 not you\r\n"])
def test_a_message_that_a_relay_can_never_bear_is_charged_and_expires(
    path: Path, reply: bytes
) -> None:
    """From the second time on, if the relay has served others in between."""

    async def scenario() -> None:
        replies: dict[str, bytes | None] = {f"RCPT TO:<{BOB}": reply}
        async with at_work(path, replies) as (outbox, _, relays):
            schedule = RetrySchedule(lifetime=timedelta(days=1), least_attempts=2)
            sender = outbox.sender(relays, QUICK, schedule)
            await outbox.put(BOB)
            for _ in range(3):
                await sender.drain()
                assert bob(outbox) == ("queued", 0), "it may be the relay"
            await outbox.put(ANN)
            await sender.drain()
            assert bob(outbox) == ("delayed", 1)
            assert sender.state["home"].last_error == ""
            outbox.clock.ahead = timedelta(days=2)
            await outbox.put(CY)
            await sender.drain()
            assert outbox.states() == {ANN: "delivered", BOB: "failed", CY: "delivered"}
            assert outbox.deliveries()[0]["reply"].startswith("expired; ")

    asyncio.run(scenario())


def bob(outbox: Outbox) -> tuple[str, int]:
    """State and attempts of the first delivery, which is Bob's."""
    row = outbox.deliveries()[0]
    assert row["recipient"] == BOB
    return row["state"], row["attempts"]


def test_a_message_for_which_the_relay_answered_is_suspect_no_more(path: Path) -> None:
    async def scenario() -> None:
        argh = b"421 4.3.2 argh\r\n"
        async with at_work(path, {"MAIL": argh}) as (outbox, server, relays):
            sender = outbox.sender(relays, QUICK)
            await outbox.put(BOB)
            await sender.drain()
            server.replies["MAIL"] = b"451 4.3.0 later\r\n"
            await sender.drain()
            assert bob(outbox) == ("delayed", 1)
            server.replies["MAIL"] = argh
            outbox.clock.ahead = timedelta(minutes=6)
            await sender.drain()
            assert bob(outbox) == ("delayed", 1)

    asyncio.run(scenario())


def test_a_connection_that_breaks_within_a_message_stays_away_for_a_while(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path, {"DATA": HANG_UP}) as (outbox, server, relays):
            await outbox.put(ANN)
            await outbox.put(BOB)
            sender = outbox.sender(relays)
            await sender.drain()
            assert outbox.states() == {ANN: "delayed", BOB: "queued"}
            assert server.connections == 1
            assert "not sent" in sender.state["home"].last_error

    asyncio.run(scenario())


def test_refused_credentials_pause_the_relay_whatever_the_bell_says(path: Path) -> None:
    async def scenario() -> None:
        script = ScriptedServer(("AUTH PLAIN",), {"AUTH": b"535 5.7.8 wrong\r\n"})
        async with scripted_server(script) as server, open_outbox(path) as outbox:
            await outbox.put()
            relay = SmtpRelay(submission(server.port, password=lambda: "wrong"))
            sender = outbox.sender({"home": relay})
            async with running(sender.run()):
                await server.until(lambda: server.ended_connections == 1)
                for _ in range(1000):
                    sender.ring()
                    await asyncio.sleep(0)
            assert server.connections == 1
            state = sender.state["home"]
            assert "535" in state.last_error
            assert state.retry_at is not None
            wait = state.retry_at - datetime.now(UTC)
            assert timedelta(minutes=4) < wait <= timedelta(minutes=5)
            assert outbox.states() == {ANN: "queued"}

    asyncio.run(scenario())


def test_refused_credentials_are_tried_at_once_where_the_owner_says_so(
    path: Path,
) -> None:
    async def scenario() -> None:
        script = ScriptedServer(("AUTH PLAIN",), {"AUTH": b"535 5.7.8 wrong\r\n"})
        async with scripted_server(script) as server, open_outbox(path) as outbox:
            await outbox.put()
            relay = SmtpRelay(submission(server.port, password=lambda: "mended"))
            sender = outbox.sender({"home": relay})
            async with running(sender.run()):
                await server.until(lambda: server.ended_connections == 1)
                server.replies.clear()
                sender.try_now()
                await server.has_contents(1)

    asyncio.run(scenario())


def test_refused_credentials_are_tried_ever_more_slowly(path: Path) -> None:
    async def scenario() -> None:
        script = ScriptedServer(("AUTH PLAIN",), {"AUTH": b"535 5.7.8 wrong\r\n"})
        async with scripted_server(script) as server, open_outbox(path) as outbox:
            await outbox.put()
            relay = SmtpRelay(submission(server.port, password=lambda: "wrong"))
            sender = outbox.sender({"home": relay})
            waits = []
            for _ in range(5):
                await sender.drain()
                retry_at = sender.state["home"].retry_at
                assert retry_at is not None
                waits.append(round((retry_at - datetime.now(UTC)).total_seconds()))
            assert waits == pytest.approx([300, 1800, 7200, 21600, 21600], abs=5)

    asyncio.run(scenario())
