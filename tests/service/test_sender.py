"""The sender, with a real store and a server that can be told to fail."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from postroom.mail.envelope import Retry
from postroom.service.health import SenderTimings
from postroom.service.retries import RetrySchedule
from postroom.transport.smtp import SmtpRelay
from tests.service.outbox import CONTENT, QUICK, at_work, open_outbox, running, told
from tests.transport.smtp.dealings import submission
from tests.transport.smtp.scripted import (
    HANG_UP,
    OK,
    SILENCE,
    ScriptedServer,
    scripted_server,
)

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"
STUFFED = CONTENT.replace(b"\r\n.", b"\r\n..")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "postroom.db"


# -- what is due is sent ---------------------------------------------------------------


def test_all_that_is_due_is_sent_in_order_over_one_connection(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            for number in range(3):
                await outbox.put(content=b"number %d\r\n" % number)
            await outbox.sender(relays).drain()
            assert server.contents == [b"number %d\r\n" % n for n in range(3)]
            assert server.connections == 1
            assert server.said[-1] == "QUIT"
            states = [row["state"] for row in outbox.deliveries()]
            assert states == ["delivered"] * 3

    asyncio.run(scenario())


def test_a_delivery_is_sending_on_the_disk_before_the_dot(path: Path) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {
            ".": SILENCE,
            f"RCPT TO:<{BOB}": b"550 -\r\n",
        }
        async with at_work(path, replies) as (outbox, server, relays):
            await outbox.put(ANN, BOB)
            task = asyncio.create_task(outbox.sender(relays).drain())
            await server.has_contents(1)
            assert outbox.states() == {ANN: "sending", BOB: "queued"}
            await server.speak(OK)
            await task
            assert outbox.states() == {ANN: "delivered", BOB: "failed"}

    asyncio.run(scenario())


def test_a_result_that_can_not_be_recorded_now_is_recorded_later(path: Path) -> None:
    """The database is held by another program when the reply comes."""

    async def scenario() -> None:
        replies: dict[str, bytes | None] = {".": SILENCE}
        with told("store_unavailable") as is_told:
            async with at_work(path, replies) as (outbox, server, relays):
                await outbox.put(ANN)
                quick = replace(QUICK, store_pause=0.01)
                task = asyncio.create_task(outbox.sender(relays, quick).drain())
                await server.has_contents(1)
                with closing(sqlite3.connect(path)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    await server.speak(OK)
                    async with asyncio.timeout(30):
                        await is_told.wait()
                    other.rollback()
                await task
                assert outbox.states() == {ANN: "delivered"}
                assert len(server.contents) == 1

    asyncio.run(scenario())


def test_each_recipient_is_settled_by_its_own_reply(path: Path) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {
            f"RCPT TO:<{BOB}": b"550 5.1.1 who?\r\n",
            f"RCPT TO:<{CY}": b"451 4.2.1 busy\r\n",
        }
        async with at_work(path, replies) as (outbox, server, relays):
            await outbox.put(ANN, BOB, CY)
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "delivered", BOB: "failed", CY: "delayed"}
            assert [row["attempts"] for row in outbox.deliveries()] == [1, 1, 1]
            server.replies.clear()
            outbox.clock.ahead = timedelta(minutes=6)
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "delivered", BOB: "failed", CY: "delivered"}
            assert server.said.count(f"RCPT TO:<{ANN}>") == 1

    asyncio.run(scenario())


def test_a_delivery_is_logged_with_its_keys_and_without_its_content(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, _, relays):
            await outbox.put()
            await outbox.sender(relays).drain()

    with capture_logs() as events:
        asyncio.run(scenario())
    [event] = [each for each in events if each["event"] == "delivery_settled"]
    milliseconds = event.pop("ms")
    assert 0 <= milliseconds < 5000
    assert event == {
        "event": "delivery_settled",
        "log_level": "info",
        "relay": "home",
        "outgoing": 1,
        "recipient": ANN,
        "state": "delivered",
        "code": 250,
    }


# -- trying again ----------------------------------------------------------------------


def test_a_delayed_delivery_waits_for_its_time(path: Path) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {".": b"451 4.3.0 later\r\n"}
        async with at_work(path, replies) as (outbox, server, relays):
            await outbox.put()
            for minutes, attempts in [(0, 1), (4, 1), (6, 2), (12, 2), (17, 3)]:
                outbox.clock.ahead = timedelta(minutes=minutes)
                await outbox.sender(relays).drain()
                assert len(server.contents) == attempts
                assert outbox.states() == {ANN: "delayed"}
            assert [row["reply"] for row in outbox.attempts()] == ["4.3.0 later"] * 3

    asyncio.run(scenario())


def test_a_delivery_that_is_delayed_for_too_long_fails_and_says_so(path: Path) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {".": b"451 4.3.0 later\r\n"}
        async with at_work(path, replies) as (outbox, _, relays):
            await outbox.put()
            schedule = RetrySchedule(lifetime=timedelta(days=1), least_attempts=2)
            await outbox.sender(relays, schedule=schedule).drain()
            outbox.clock.ahead = timedelta(days=2)
            await outbox.sender(relays, schedule=schedule).drain()
            [row] = outbox.deliveries()
            assert row["state"] == "failed"
            assert row["reply"] == "expired; the last reply was: 4.3.0 later"

    asyncio.run(scenario())


def test_an_unknown_forward_is_sent_again_byte_for_byte(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": HANG_UP}) as (outbox, server, relays):
            await outbox.put()
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "delayed"}
            [attempt] = outbox.attempts()
            assert attempt["outcome"] == "unknown"
            assert attempt["reply"].startswith("outcome unknown: ")
            server.replies.clear()
            outbox.clock.ahead = timedelta(minutes=6)
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "delivered"}
            assert server.contents == [STUFFED, STUFFED]
            assert len(set(server.commands("MAIL"))) == 1

    asyncio.run(scenario())


def test_an_unknown_answer_is_never_sent_again(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": HANG_UP}) as (outbox, server, relays):
            await outbox.put(retry=Retry.AT_MOST_ONCE)
            await outbox.sender(relays).drain()
            server.replies.clear()
            outbox.clock.ahead = timedelta(days=30)
            await outbox.sender(relays).drain()
            assert outbox.states() == {ANN: "unknown"}
            assert len(server.contents) == 1

    asyncio.run(scenario())


DAEMON = """
import asyncio, sys
from pathlib import Path
from postroom.transport.smtp import SmtpRelay
from tests.service.outbox import open_outbox
from tests.transport.smtp.dealings import submission

async def main(path, port):
    async with open_outbox(Path(path)) as outbox:
        await outbox.sender({"home": SmtpRelay(submission(int(port)))}).drain()

asyncio.run(main(*sys.argv[1:]))
"""


def test_killed_between_dot_and_reply_a_delivery_is_unknown_and_follows_its_policy(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with open_outbox(path) as outbox:
            await outbox.put(ANN)
            await outbox.put(BOB, retry=Retry.AT_MOST_ONCE)
        async with scripted_server(ScriptedServer(replies={".": SILENCE})) as server:
            for count in (1, 2):
                await kill_after_dot(path, server, count)
                async with open_outbox(path) as outbox:
                    assert await outbox.store.recover(outbox.clock.now()) == 1
                    if count == 1:
                        # Let the second message be the one that meets the next kill.
                        server.replies[f"RCPT TO:<{ANN}"] = b"451 later\r\n"
            assert outbox.states() == {ANN: "delayed", BOB: "unknown"}
            server.replies.clear()
            async with open_outbox(path) as outbox:
                outbox.clock.ahead = timedelta(days=1)
                relay = SmtpRelay(submission(server.port))
                await outbox.sender({"home": relay}).drain()
                assert outbox.states() == {ANN: "delivered", BOB: "unknown"}
            assert server.contents == [STUFFED] * 3

    asyncio.run(scenario())


async def kill_after_dot(path: Path, server: ScriptedServer, contents: int) -> None:
    """Send from another process, and kill it when the server has so many contents."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(path), str(server.port)
    )
    await server.has_contents(contents)
    child.send_signal(signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL


def last_words(server: ScriptedServer) -> str:
    """What the server heard last; of a client that said nothing, that it came."""
    return server.said[-1] if server.said else "GREETING" * server.connections


# -- running and stopping --------------------------------------------------------------


def test_the_bell_wakes_a_sender_that_rests(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, server, relays):
            sender = outbox.sender(relays)
            async with running(sender.run()):
                for count in (1, 2):
                    await outbox.put()
                    sender.ring()
                    await server.has_contents(count)

    asyncio.run(scenario())


def test_a_delayed_delivery_wakes_a_sender_that_rests(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": b"451 later\r\n"}) as (outbox, server, relays):
            server.forget_after = "."
            soon = RetrySchedule(waits=(timedelta(0), timedelta(milliseconds=50)))
            await outbox.put()
            async with running(outbox.sender(relays, schedule=soon).run()):
                await server.has_contents(2)

    asyncio.run(scenario())


def test_stopped_after_the_dot_a_sender_still_hears_the_reply(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": SILENCE}) as (outbox, server, relays):
            await outbox.put(ANN)
            await outbox.put(BOB)
            async with running(outbox.sender(relays, QUICK).run()) as task:
                await server.has_contents(1)
                task.cancel()
                await asyncio.sleep(0)
                await server.speak(OK)
            assert outbox.states() == {ANN: "delivered", BOB: "queued"}
            assert server.said[-1] == "QUIT"

    asyncio.run(scenario())


def test_stopped_after_the_dot_a_sender_does_not_wait_for_ever(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": SILENCE}) as (outbox, server, relays):
            await outbox.put()
            brief = SenderTimings(finish=0.05)
            async with asyncio.timeout(5), running(outbox.sender(relays, brief).run()):
                await server.has_contents(1)
            assert outbox.states() == {ANN: "sending"}

    asyncio.run(scenario())


@pytest.mark.parametrize("stage", ["GREETING", "MAIL", "DATA"])
def test_stopped_before_the_dot_a_sender_leaves_the_delivery_as_it_was(
    path: Path, stage: str
) -> None:
    async def scenario() -> None:
        async with at_work(path, {stage: SILENCE}) as (outbox, server, relays):
            await outbox.put()
            async with asyncio.timeout(5), running(outbox.sender(relays).run()):
                await server.until(lambda: stage in last_words(server))
            assert outbox.states() == {ANN: "queued"}
            assert outbox.attempts() == []

    asyncio.run(scenario())


def test_the_end_of_a_delivery_lets_a_held_back_expunge_go_on(path: Path) -> None:
    async def scenario() -> None:
        async with at_work(path) as (outbox, _, relays):
            await outbox.put(expunge=True)
            await outbox.sender(relays).drain()
            assert outbox.settled == [frozenset({("home", "INBOX")})]

    asyncio.run(scenario())


# -- relays that change or go while it runs --------------------------------------------


def test_a_message_past_its_dot_when_its_relay_changes_is_sent_by_the_new_one(
    path: Path,
) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": SILENCE}) as (outbox, server, relays):
            await outbox.put(ANN)
            sender = outbox.sender(relays, SenderTimings(finish=0.05))
            another = SmtpRelay(submission(server.port))
            with told("delivery_settled") as is_told:
                async with asyncio.timeout(30), running(sender.run()):
                    await server.has_contents(1)
                    server.replies.clear()
                    await sender.change({"home": another}, ())
                    await is_told.wait()
            assert outbox.states() == {ANN: "delivered"}
            assert server.contents == [STUFFED, STUFFED]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("retry", "state"),
    [(Retry.AT_LEAST_ONCE, "queued"), (Retry.AT_MOST_ONCE, "unknown")],
)
def test_a_message_past_its_dot_when_its_relay_goes_is_sending_no_more(
    path: Path, retry: Retry, state: str
) -> None:
    async def scenario() -> None:
        async with at_work(path, {".": SILENCE}) as (outbox, server, relays):
            await outbox.put(ANN, retry=retry)
            sender = outbox.sender(relays, SenderTimings(finish=0.05))
            with told("deliveries_unknown") as is_told:
                async with asyncio.timeout(30), running(sender.run()):
                    await server.has_contents(1)
                    await sender.change({}, {"home"})
                    await is_told.wait()
            assert outbox.states() == {ANN: state}
            assert sender.state == {}

    asyncio.run(scenario())
