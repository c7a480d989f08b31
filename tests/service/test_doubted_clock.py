"""What the sender does while the wall clock is doubted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from postroom.service.retries import RetrySchedule
from tests.service.outbox import at_work

ANN = "ann@example.com"


def test_while_the_clock_is_doubted_no_delivery_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {".": b"451 4.3.0 later\r\n"}
        async with at_work(tmp_path / "store.db", replies) as (outbox, _, relays):
            await outbox.put()
            schedule = RetrySchedule(least_attempts=1)
            outbox.clock.ahead = timedelta(days=3650)
            doubts = outbox.sender(relays, schedule=schedule, may_expire=lambda: False)
            await doubts.drain()
            assert outbox.states() == {ANN: "delayed"}
            outbox.clock.ahead += timedelta(hours=1)
            await outbox.sender(relays, schedule=schedule).drain()
            assert outbox.states() == {ANN: "failed"}

    asyncio.run(scenario())
