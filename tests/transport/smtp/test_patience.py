"""How long the reply to the final dot is waited for, by the times that users have."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp import Timings
from tests.transport.smtp.dealings import Dealings, dealings, outgoing
from tests.transport.smtp.scripted import OK, SILENCE, ScriptedServer

ANN = "ann@example.com"


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be set forward."""

    ahead = 0.0

    def time(self) -> float:
        """The time, and what it was set forward."""
        return super().time() + self.ahead


async def leap(seconds: float) -> None:
    """Let so much time have passed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    loop.ahead += seconds
    for _ in range(10):
        await asyncio.sleep(0)


async def answered_after(seconds: float) -> tuple[Receipt, Dealings]:
    """What is made of an acceptance that comes so late, and how it came about."""
    server = ScriptedServer(replies={".": SILENCE})
    async with dealings(server, timings=Timings()) as post:
        sending = asyncio.create_task(post.send(outgoing()))
        await post.server.has_contents(1)
        await leap(seconds)
        with suppress(ConnectionError):  # who has given up hears nothing any more
            await post.server.speak(OK)
        receipts = await sending
        return receipts[ANN], post


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(9 * 60 + 50, DeliveryState.DELIVERED), (11 * 60, DeliveryState.UNKNOWN)],
)
def test_the_reply_to_the_dot_is_waited_for_ten_minutes(
    seconds: float, state: DeliveryState
) -> None:
    """RFC 5321, section 4.5.3.2.6: who gives up sooner has mail delivered twice."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        receipt, post = runner.run(answered_after(seconds))
    assert receipt.state is state
    assert len(post.server.contents) == 1
    assert post.server.connections == 1
