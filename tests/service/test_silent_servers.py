"""A server that does not push what it should is noticed, and polled instead."""

from __future__ import annotations

import asyncio

from postroom.errors import TemporaryError
from postroom.rules.effects import FileInto
from postroom.service.events import WatchState
from postroom.service.watcher import Watcher, WatcherTimings
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import rule
from tests.service.test_watcher import make_account
from tests.service.watching import AtPost, Post, running

MOVE = rule(FileInto("A"))


def put_silently(mailbox: MemoryMailbox) -> None:
    """Have a message arrive of which IDLE tells nothing."""
    mailbox.put(make_raw())
    mailbox.arrived.clear()


async def miss_three(post: Post, watcher: Watcher, inbox: MemoryMailbox) -> None:
    """Have three messages arrive in IDLE, which only the bell brings to light."""
    for number in range(1, 4):
        await post.until(WatchState.IDLE, number)
        put_silently(inbox)
        await watcher.watch.ring()


def test_idle_that_never_pushes_is_noticed_and_replaced_by_polling(
    at_post: AtPost,
) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        often = WatcherTimings(distrusted=0.01)
        watcher = post.watcher(account, MOVE, timings=often)
        async with running(watcher.run()):
            await miss_three(post, watcher, inbox)
            told = await post.until(WatchState.POLLING)
            put_silently(inbox)  # and nobody rings
            await post.until_true(lambda: len(inbox.placed["A"]) == 4)
        assert "IDLE does not tell" in told.detail
        assert post.states().count(WatchState.IDLE) == 3

    at_post(steps)


def test_a_push_in_between_keeps_the_trust_in_idle(at_post: AtPost) -> None:
    """A message may come in just as the bell rings: that alone proves nothing."""

    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        watcher = post.watcher(account, MOVE)
        async with running(watcher.run()):
            for number in range(1, 7):
                await post.until(WatchState.IDLE, number)
                if number == 3:
                    inbox.put(make_raw())
                else:
                    put_silently(inbox)
                    await watcher.watch.ring()
            await post.until_true(lambda: len(inbox.placed["A"]) == 6)
        assert WatchState.POLLING not in post.states()[:-1]

    at_post(steps)


def test_a_connection_that_does_not_push_is_proved_while_it_waits(
    at_post: AtPost,
) -> None:
    async def steps(post: Post) -> None:
        account = make_account(pushes=False)
        watcher = post.watcher(account, timings=WatcherTimings(probe=0.01))
        proved = asyncio.Event()
        account.on_proof = proved.set
        async with running(watcher.run()):
            await asyncio.wait_for(proved.wait(), 30)
        assert WatchState.RETRYING not in post.states()

    at_post(steps)


def test_a_new_connection_is_trusted_anew(at_post: AtPost) -> None:
    """The server may have been mended meanwhile."""

    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        often = WatcherTimings(distrusted=0.01)
        watcher = post.watcher(account, MOVE, timings=often)
        async with running(watcher.run()):
            await miss_three(post, watcher, inbox)
            await post.until(WatchState.POLLING)
            inbox.failures["search"] = TemporaryError("cut")
            await post.until(WatchState.RETRYING)
            await post.until(WatchState.IDLE, 4)

    at_post(steps)
