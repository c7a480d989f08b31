"""A relay whose limit for a day is reached: it is left alone, and all goes out then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.ports import DeliveryState, Receipt
from postroom.service.health import RelayHealth, SenderTimings
from tests.service.outbox import QUICK, FastClock, at_work, running, told

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"
LIMIT = b"550 5.4.5 Daily user sending limit exceeded. 1-2 - gsmtp\r\n"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# It looks at the clock again and again.
ALERT = replace(QUICK, longest_rest=0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is made."""
    return tmp_path / "postroom.db"


def test_what_is_over_the_limit_goes_the_next_day(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, server, relays):
            sender = outbox.sender(relays)
            for each in (ANN, BOB, CY):
                await outbox.put(each)
            for hours in (0, 1, 3, 12, 23.9):
                outbox.clock.ahead = timedelta(hours=hours)
                await sender.drain()
            assert outbox.states() == {ANN: "delayed", BOB: "queued", CY: "queued"}
            assert len(server.contents) == 1, "the relay was asked once"
            assert outbox.ended == []
            server.replies.clear()
            outbox.clock.ahead = DAY
            await sender.drain()
            assert set(outbox.states().values()) == {"delivered"}
            assert len(server.contents) == 4

    asyncio.run(scenario())


def test_it_is_told_until_when_a_relay_takes_no_more(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, _, relays):
            sender = outbox.sender(relays)
            await outbox.put()
            await sender.drain()
            (trouble,) = (await outbox.store.summary()).relay_troubles
            assert trouble.error.startswith("its limit for a day is reached: 550 5.4.5")
            assert trouble.retry_at is not None
            assert abs(trouble.retry_at - outbox.clock.now() - DAY) < HOUR
            (delayed,) = outbox.deliveries()
            assert (delayed["attempts"], delayed["code"]) == (1, 550)
            assert delayed["reply"] == "5.4.5 Daily user sending limit exceeded. " + (
                "1-2 - gsmtp"
            )

    asyncio.run(scenario())


def test_each_start_tries_one_message_and_none_twice_in_a_day(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, server, relays):
            await outbox.put(ANN)
            await outbox.put(BOB)
            for hours in (0, 1, 3, 12, 23):
                outbox.clock.ahead = timedelta(hours=hours)
                await outbox.sender(relays).drain()
            assert len(server.contents) == 2
            assert outbox.states() == {ANN: "delayed", BOB: "delayed"}

    asyncio.run(scenario())


def test_it_goes_out_without_a_bell_when_the_day_is_over(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, server, relays):
            server.forget_after = "."
            await outbox.put(ANN)
            await outbox.put(BOB)
            with told("relay_failed") as is_told:
                async with running(outbox.sender(relays, ALERT).run()):
                    async with asyncio.timeout(30):
                        await is_told.wait()
                    outbox.clock.ahead = DAY
                    await server.has_contents(3)

    asyncio.run(scenario())


def test_new_mail_does_not_have_it_tried_and_the_owner_does(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, server, relays):
            server.forget_after = "."
            await outbox.put(ANN)
            sender = outbox.sender(relays, ALERT)
            with told("relay_failed") as is_told:
                async with running(sender.run()):
                    async with asyncio.timeout(30):
                        await is_told.wait()
                    await outbox.put(BOB)
                    for _ in range(1000):
                        sender.ring()
                        await asyncio.sleep(0)
                    assert len(server.contents) == 1
                    sender.try_now()
                    await server.has_contents(2)
            assert outbox.states()[ANN] == "delayed", "its own time has not come"

    asyncio.run(scenario())


def test_whom_the_relay_has_taken_is_not_sent_to_again(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {f"RCPT TO:<{BOB}": LIMIT}) as (
            outbox,
            server,
            relays,
        ):
            await outbox.put(ANN, BOB)
            await outbox.put(CY)
            sender = outbox.sender(relays)
            await sender.drain()
            states = {ANN: "delivered", BOB: "delayed", CY: "queued"}
            assert outbox.states() == states
            server.replies.clear()
            outbox.clock.ahead = DAY
            await sender.drain()
            assert server.said.count(f"RCPT TO:<{ANN}>") == 1
            assert set(outbox.states().values()) == {"delivered"}

    asyncio.run(scenario())


def test_what_is_over_the_limit_day_after_day_fails_in_the_end(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": LIMIT}) as (outbox, _, relays):
            sender = outbox.sender(relays)
            await outbox.put()
            days = 0
            while outbox.states() != {ANN: "failed"}:
                outbox.clock.ahead = days * (DAY + HOUR)
                await sender.drain()
                days += 1
                assert days < 20
            assert len(outbox.attempts()) == days == 12
            (row,) = outbox.deliveries()
            assert row["reply"].startswith("expired; the last reply was: 5.4.5 Daily")

    asyncio.run(scenario())


@dataclass
class Seconds(FastClock):
    """A wall clock that can be set, and seconds that stand still until told."""

    passed: float = 0.0

    def monotonic(self) -> float:
        """Seconds of running."""
        return self.passed


@pytest.mark.parametrize(
    ("wall", "ran", "is_over"),
    [
        (HOUR, 3600, False),
        (DAY, 0, True),
        (-365 * DAY, 3600, False),
        (-365 * DAY, 86400, True),
    ],
    ids=["an hour", "a day asleep", "set back", "set back and a day"],
)
def test_a_day_is_over_by_the_wall_clock_or_by_the_time_that_it_ran(
    wall: timedelta, ran: float, is_over: bool
) -> None:
    clock = Seconds()
    health = RelayHealth("home", clock, lambda: 1.0, SenderTimings())
    assert health.limited_for() is None
    stay_away = health.judge([Receipt(DeliveryState.DELAYED, 550, "5.4.5", limit=True)])
    assert stay_away == SenderTimings().longest_rest
    clock.ahead, clock.passed = wall, ran
    assert (health.limited_for() is None) is is_over
