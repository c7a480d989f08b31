"""A server has ten minutes for its reply to the final dot, by the time of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp import Timings
from tests.transport.smtp.dealings import dealings, outgoing
from tests.transport.smtp.scripted import OK, SILENCE, ScriptedServer

ANN = "ann@example.com"


class SteppingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        """The system's seconds, and those that were stepped."""
        return super().time() + self.ahead


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run this in such a loop."""
    with asyncio.Runner(loop_factory=SteppingLoop) as runner:
        runner.run(main)


async def reply_after(minutes: float) -> tuple[Receipt, int]:
    """What comes of a message whose dot is answered after so long, if anybody still
    listens then; and how often its content was taken."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    server = ScriptedServer(replies={".": SILENCE})
    async with dealings(server, timings=Timings()) as post:
        sending = asyncio.create_task(post.send(outgoing()))
        await server.has_contents(1)
        loop.ahead += minutes * 60
        if minutes < 10:
            await server.speak(OK)
        return (await sending)[ANN], len(server.contents)


def test_a_reply_after_nearly_ten_minutes_counts_once() -> None:
    async def main() -> None:
        receipt, contents = await reply_after(9 + 50 / 60)
        assert (receipt.state, receipt.code, contents) == (
            DeliveryState.DELIVERED,
            250,
            1,
        )

    run(main())


def test_without_a_reply_for_eleven_minutes_the_outcome_is_unknown() -> None:
    async def main() -> None:
        receipt, contents = await reply_after(11)
        assert (receipt.state, contents) == (DeliveryState.UNKNOWN, 1)
        assert "within 600 s" in receipt.reply

    run(main())
