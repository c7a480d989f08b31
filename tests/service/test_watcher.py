"""A watcher catches up, waits for the first of push and bell, and outlives failures."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from postroom.errors import (
    AbsentMailbox,
    AuthenticationError,
    PermanentError,
    TemporaryError,
)
from postroom.rules.effects import FileInto
from postroom.service.backoff import BackoffTimings
from postroom.service.events import WatchState
from postroom.service.line import Waits
from postroom.service.logins import LoginTimings
from tests.builders import make_raw
from tests.service.account import MemoryAccount
from tests.service.mailbox import NOON, MemoryMailbox
from tests.service.processing import rule
from tests.service.watching import AtPost, Post, running, some_turns

MOVE = rule(FileInto("A"))


def make_account(*refusals: Exception, **more: bool) -> MemoryAccount:
    """An account with an INBOX whose IDLE ends at once."""
    mailbox = MemoryMailbox(**more)  # type: ignore[arg-type] # only `pushes`
    mailbox.may_leave.set()
    return MemoryAccount({"INBOX": mailbox}, list(refusals))  # type: ignore[arg-type] # ours


def test_it_catches_up_before_it_waits(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        account.boxes["INBOX"].put(make_raw())
        async with running(post.watcher(account, MOVE).run()):
            await post.until(WatchState.IDLE)
        assert account.boxes["INBOX"].placed == {"A": [1]}
        states = [WatchState.CONNECTING, WatchState.WORKING, WatchState.IDLE]
        assert post.states() == states

    at_post(steps)


def test_a_push_is_followed_by_a_look(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        async with running(post.watcher(account, MOVE).run()):
            for number in range(1, 4):
                await post.until(WatchState.IDLE, number)
                inbox.put(make_raw())
            await post.until(WatchState.IDLE, 4)
        assert len(inbox.placed["A"]) == 3
        assert account.opened == ["INBOX"]

    at_post(steps)


def test_the_bell_wakes_a_watcher_that_waits(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        watcher = post.watcher(account, MOVE)
        async with running(watcher.run()):
            await post.until(WatchState.IDLE)
            inbox.put(make_raw())
            inbox.arrived.clear()  # the server forgot to push
            await watcher.watch.ring()
            await post.until(WatchState.IDLE, 2)
            await some_turns()
        assert inbox.placed == {"A": [1]}
        assert post.states().count(WatchState.WORKING) == 2

    at_post(steps)


def test_a_bell_that_rings_during_the_work_is_not_missed(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        watcher = post.watcher(account, MOVE)
        inbox = account.boxes["INBOX"]
        inbox.put(make_raw())
        inbox.before["move"] = watcher.watch.bell.set
        async with running(watcher.run()):
            await post.until(WatchState.IDLE, 2)
        assert len(inbox.told("search")) >= 2

    at_post(steps)


def test_a_server_that_does_not_push_is_polled(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account(pushes=False)
        watcher = post.watcher(account, MOVE)
        async with running(watcher.run()):
            await post.until(WatchState.POLLING)
        assert WatchState.IDLE not in post.states()

    at_post(steps)


# -- stopping --------------------------------------------------------------------------


def test_a_stop_while_idle_is_left_is_not_lost(at_post: AtPost) -> None:
    """Leaving IDLE takes a round trip; a stop that comes within it still stops."""

    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        inbox.may_leave.clear()
        watcher = post.watcher(account)
        async with running(watcher.run()) as (task,):
            await post.until(WatchState.IDLE)
            await watcher.watch.ring()
            await inbox.leaving.wait()
            task.cancel()
            await some_turns()
            inbox.may_leave.set()
            await asyncio.wait({task}, timeout=5)
            assert task.cancelled()

    at_post(steps)


def test_a_stop_that_comes_with_a_failure_is_not_lost(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        inbox = account.boxes["INBOX"]
        watcher = post.watcher(account, backoff=BackoffTimings(base=600))
        async with running(watcher.run()) as (task,):
            await post.until(WatchState.IDLE)
            await some_turns()

            async def fail() -> None:
                raise TemporaryError("cut")

            inbox.changed = fail  # type: ignore[method-assign] # the server is gone
            await watcher.watch.ring()
            await some_turns()
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.cancelled()

    at_post(steps)


# -- failures --------------------------------------------------------------------------


def test_a_connection_that_is_lost_while_idle_is_told_as_what_it_was(
    at_post: AtPost,
) -> None:
    async def steps(post: Post) -> None:
        account = make_account()
        lost = asyncio.Event()

        async def fail() -> None:
            await lost.wait()
            raise TemporaryError("cut while idle")

        account.boxes["INBOX"].changed = fail  # type: ignore[method-assign] # the server's doing
        async with running(post.watcher(account).run()):
            await post.until(WatchState.IDLE)
            lost.set()
            told = await post.until(WatchState.RETRYING)
            assert told.detail == "cut while idle"

    at_post(steps)


def test_a_failure_is_told_with_the_time_of_the_next_try(at_post: AtPost) -> None:
    """To the observer, and to the store, where `status` finds it."""

    async def steps(post: Post) -> None:
        account = make_account(TemporaryError("no route"))
        watcher = post.watcher(account, backoff=BackoffTimings(base=50))
        async with running(watcher.run()):
            told = await post.until(WatchState.RETRYING)
            report = await post.report("retrying")
        assert told.detail == "no route"
        assert told.retry_at == NOON + timedelta(seconds=50)
        assert (report.detail, report.retry_at) == ("no route", told.retry_at)

    at_post(steps)


def test_it_stays_away_longer_each_time_and_comes_back(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account(*[TemporaryError("no route")] * 4)
        timings = BackoffTimings(base=0.01, cap=0.04)
        async with running(post.watcher(account, backoff=timings).run()):
            await post.until(WatchState.IDLE)
        told = [each for each in post.desk.events if hasattr(each, "retry_at")]
        waits = [(e.retry_at - NOON) / timedelta(seconds=1) for e in told if e.retry_at]
        assert waits == [0.01, 0.02, 0.04, 0.04]
        assert account.tried == 5

    at_post(steps)


def test_refused_credentials_wait_five_minutes_and_no_bell_shortens_it(
    at_post: AtPost,
) -> None:
    """A wrong password must not be rung into a lock-out."""

    async def steps(post: Post) -> None:
        account = make_account(AuthenticationError("[AUTHENTICATIONFAILED] no"))
        watcher = post.watcher(account)
        async with running(watcher.run()):
            told = await post.until(WatchState.REFUSED)
            for _ in range(3):
                await post.report("refused")
                await watcher.watch.ring()
                await some_turns()
        assert told.retry_at == NOON + timedelta(seconds=300)
        assert account.tried == 1
        assert post.states() == [WatchState.CONNECTING, WatchState.REFUSED]

    at_post(steps)


def test_credentials_that_stay_refused_are_tried_ever_more_seldom(
    at_post: AtPost,
) -> None:
    """And from the start again once they were taken."""
    no = AuthenticationError("no")

    async def steps(post: Post) -> None:
        account = make_account(no, no, no)
        inbox = account.boxes["INBOX"]
        logins = post.logins(LoginTimings(refused=(0.1, 0.2)))
        post.desk.clock.runs = True
        watcher = post.watcher(account, logins=logins)
        async with running(watcher.run()):
            await post.until(WatchState.IDLE)
            account.refusals.append(no)
            inbox.failures["search"] = TemporaryError("cut")
            await watcher.watch.ring()
            await post.until(WatchState.IDLE, 2)
        refused = [e for e in post.desk.events if getattr(e, "state", "") == "refused"]
        waits = [(e.retry_at - NOON) / timedelta(seconds=1) for e in refused]  # type: ignore[union-attr,operator] # they have it
        assert [round(wait, 1) for wait in waits] == [0.1, 0.2, 0.2, 0.1]

    at_post(steps)


def test_a_mailbox_that_cannot_be_opened_is_tried_again_later(at_post: AtPost) -> None:
    """And a while later each time."""

    async def steps(post: Post) -> None:
        account = make_account()
        account.closed["INBOX"] = PermanentError("it can't be selected")
        watcher = post.watcher(account)
        watcher.line.unusable = Waits((0.01, 0.02, 600))
        async with running(watcher.run()):
            told = await post.until(WatchState.RETRYING, 3)
        assert told.retry_at == NOON + timedelta(minutes=10)
        assert told.detail == "it can't be selected"
        assert account.open_now == 0

    at_post(steps)


def test_a_store_that_is_held_by_another_program_does_not_end_the_watcher(
    at_post: AtPost,
) -> None:
    """What is told meanwhile is not on record, and goes on all the same."""

    async def steps(post: Post) -> None:
        account = make_account()
        absent = AbsentMailbox("there is no such mailbox")
        account.closed["INBOX"] = absent
        watcher = post.watcher(account)
        watcher.line.unusable = Waits((0.01,))
        with closing(sqlite3.connect(post.desk.path, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with running(watcher.run()):
                await post.until(WatchState.RETRYING)
                other.rollback()
                del account.closed["INBOX"]
                await post.until(WatchState.IDLE)

    at_post(steps)


def test_a_mistake_of_our_own_ends_the_watcher(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await post.watcher(account).run()

    at_post(steps)


def test_a_single_look_tells_what_went_wrong(at_post: AtPost) -> None:
    async def steps(post: Post) -> None:
        account = make_account(TemporaryError("no route"), PermanentError("no box"))
        account.boxes["INBOX"].put(make_raw())
        watch = post.watch(MOVE)
        assert await watch.handle_once(account) == "no route"
        assert await watch.handle_once(account) == "no box"
        assert await watch.handle_once(account) == ""
        assert account.boxes["INBOX"].placed == {"A": [1]}

    at_post(steps)


def test_mail_that_comes_while_the_first_login_is_refused_has_arrived(
    at_post: AtPost,
) -> None:
    """Even with `existing = "leave"`: it came after the start."""

    async def steps(post: Post) -> None:
        account = make_account(AuthenticationError("no"))
        inbox = account.boxes["INBOX"]
        inbox.put(make_raw(), received=NOON - timedelta(hours=1))
        logins = post.logins(LoginTimings(look=0.01))
        watcher = post.watcher(account, MOVE, logins=logins)
        watcher.watch.processor = post.desk.processor(MOVE, adopt_existing=True)
        async with running(watcher.run()):
            await post.until(WatchState.REFUSED)
            await post.report("refused")
            inbox.put(make_raw(), received=NOON + timedelta(hours=1))
            post.marks.append(2)
            await post.until(WatchState.IDLE)
        assert inbox.placed == {"A": [2]}

    at_post(steps)


def test_a_bell_that_brings_nothing_to_light_says_nothing_of_idle(
    at_post: AtPost,
) -> None:
    async def steps(post: Post) -> None:
        watcher = post.watcher(make_account())
        async with running(watcher.run()):
            for number in range(1, 6):
                await post.until(WatchState.IDLE, number)
                await watcher.watch.ring()
            await post.until(WatchState.IDLE, 6)
        assert WatchState.POLLING not in post.states()

    at_post(steps)
