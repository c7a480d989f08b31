"""What may be removed from a maildrop: what is stored here, and wanted by nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.ports import (
    Cursor,
    Decision,
    DeliveryResult,
    DeliveryState,
    EffectResult,
    EffectState,
    PerformResult,
    Receipt,
    as_maildrop,
)
from postroom.rules.effects import FileInto, Perform, Send
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import (
    ISP,
    RebootingClock,
    fetch,
    handle,
    listing,
    note_stored,
)
from tests.store.samples import (
    NOON,
    RULES,
    StillClock,
    deliver,
    message,
    outgoing,
    plan,
    with_store,
)

AT_ONCE = timedelta(0)
DAY = timedelta(days=1)


async def removable(store: SqlStore) -> frozenset[int]:
    """What may be removed at once."""
    return await store.removable(ISP, AT_ONCE)


# -- how long --------------------------------------------------------------------------


def test_what_is_stored_and_handled_is_removable_at_once(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        assert await removable(store) == set(), "there is no maildrop yet"
        await handle(store, await fetch(store, "a", "b"))
        assert await removable(store) == {1, 2}
        assert await store.removable(ISP, None) == set()
        assert await store.removable(ISP, DAY) == set()

    with_store(path, steps)


def test_its_time_runs_from_when_it_was_stored(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a", "b"))
        clock.forward(days=1)
        await note_stored(store, {1: "a"})
        clock.forward(days=1)
        await note_stored(store, {1: "a", 2: "b"})
        await handle(store, [1, 2])
        assert await store.removable(ISP, DAY) == {1}
        assert await store.removable(ISP, 2 * DAY) == set()
        clock.forward(days=1)
        assert await store.removable(ISP, DAY) == {1, 2}

    with_store(path, steps, clock=clock)


def test_what_was_stored_while_the_wall_clock_was_behind_is_not_removed_early(
    path: Path,
) -> None:
    clock = RebootingClock()

    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a"))
        clock.boot()
        clock.forward(days=20)
        clock.set(days=-20)
        await note_stored(store, {1: "a"})
        await handle(store, [1])
        clock.set(days=20)
        assert await store.removable(ISP, DAY) == set()
        clock.forward(days=1)
        assert await store.removable(ISP, DAY) == {1}

    with_store(path, steps, clock=clock)


# -- what keeps it ---------------------------------------------------------------------


def test_what_is_not_stored_is_kept(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.note_listing(ISP, listing("a"))
        await handle(store, [1])
        assert await removable(store) == set()
        await note_stored(store, {1: "a"})
        assert await removable(store) == {1}

    with_store(path, steps)


def test_what_was_removed_is_not_removed_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a", "b"))
        await store.note_removed(ISP, [1])
        assert await removable(store) == {2}

    with_store(path, steps)


def test_what_was_seen_and_is_not_decided_is_kept(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        validity = (await store.maildrop(ISP)).uidvalidity
        await store.note_arrived([message(1, account=ISP, uidvalidity=validity)])
        assert await removable(store) == set()

    with_store(path, steps)


@pytest.mark.parametrize("final", [True, False], ids=["quarantined", "to be retried"])
def test_what_could_not_be_decided_is_kept(path: Path, final: bool) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        validity = (await store.maildrop(ISP)).uidvalidity
        arrival = message(1, account=ISP, uidvalidity=validity)
        run = await store.begin_run("live", RULES)
        await store.see([arrival], NOON)
        failed = Decision(arrival, None, failure="it hangs", final=final)
        await store.commit(run, [failed], None)
        assert await removable(store) == set()

    with_store(path, steps)


def test_what_has_left_the_inbox_undecided_is_kept(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        validity = (await store.maildrop(ISP)).uidvalidity
        arrival = message(1, account=ISP, uidvalidity=validity)
        await store.note_arrived([arrival])
        await store.mark_gone([arrival.key])
        assert await removable(store) == set()

    with_store(path, steps)


def test_another_mailboxes_message_of_this_uid_is_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fetch(store, "a")
        validity = (await store.maildrop(ISP)).uidvalidity
        run = await store.begin_run("live", RULES)
        for account, mailbox in ((ISP, "News"), ("other", "INBOX")):
            there = message(1, account=account, mailbox=mailbox, uidvalidity=validity)
            await store.see([there], NOON)
            at = Cursor(validity, 1, NOON)
            await store.commit(run, [Decision(there, plan(f"{account}{mailbox}"))], at)
        assert await removable(store) == set()

    with_store(path, steps)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (None, True),
        (EffectState.DOING, True),
        (EffectState.FAILED, True),
        (EffectState.HELD, True),
        (EffectState.DONE, False),
    ],
)
def test_what_is_not_filed_yet_is_kept(
    path: Path, state: EffectState | None, kept: bool
) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a"), FileInto("News"))
        validity = (await store.maildrop(ISP)).uidvalidity
        (move,) = await store.open_effects(ISP, "INBOX", validity)
        if state is not None:
            await store.begin_effects([move.id])
        if state not in (None, EffectState.DOING):
            await store.finish_effects([EffectResult(move.id, state, "")])
        assert (await removable(store) == set()) is kept

    with_store(path, steps)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (None, True),
        (DeliveryState.FAILED, True),
        (DeliveryState.HELD, True),
        (DeliveryState.UNKNOWN, True),
        (DeliveryState.DELIVERED, False),
    ],
)
def test_what_is_not_delivered_is_kept_and_the_visit_is_told_once_it_is(
    path: Path, state: DeliveryState | None, kept: bool
) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a"), Send(outgoing()))
        told = frozenset[tuple[str, str]]()
        if state is not None:
            told = await deliver(store, await store.due(NOON, 9), state)
        assert (await removable(store) == set()) is kept
        assert told == (set() if kept else {(ISP, "INBOX")})

    with_store(path, steps)


def test_one_of_two_recipients_keeps_it(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        both = outgoing("ann@example.org", "bob@example.org")
        await handle(store, await fetch(store, "a"), Send(both))
        first, second = await store.due(NOON, 9)
        assert await deliver(store, [first], DeliveryState.DELIVERED) == set()
        assert await removable(store) == set()
        await deliver(store, [second], DeliveryState.DELIVERED)
        assert await removable(store) == {1}

    with_store(path, steps)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (EffectState.FAILED, True),
        (EffectState.HELD, True),
        (EffectState.DONE, False),
    ],
)
def test_what_a_plugin_has_not_done_is_kept(
    path: Path, state: EffectState, kept: bool
) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a"), Perform("{}", action="webhook"))
        (due,) = await store.due_performs(NOON, 9)
        await store.begin_perform(due.id)
        told = await store.finish_performs([PerformResult(due.id, state)])
        assert (await removable(store) == set()) is kept
        assert told == (set() if kept else {(ISP, "INBOX")})

    with_store(path, steps)


async def gone(store: SqlStore) -> None:
    """The maildrop does not have it any more."""
    await store.note_listing(ISP, [])


async def removed(store: SqlStore) -> None:
    """It was removed."""
    await store.note_removed(ISP, [1])


async def void(store: SqlStore) -> None:
    """The account is of another kind by now."""
    for login in (as_maildrop("ann@example.org"), "ann@example.org"):
        await store.recognise({ISP: login})


@pytest.mark.parametrize("before", [gone, removed, void])
def test_no_visit_is_told_of_what_is_not_in_the_maildrop(
    path: Path, before: Callable[[SqlStore], Awaitable[None]]
) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a"), Send(outgoing()))
        due = await store.due(NOON, 9)
        await before(store)
        assert await deliver(store, due, DeliveryState.DELIVERED) == set()

    with_store(path, steps)


def test_what_is_bounced_in_the_end_is_kept(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await handle(store, await fetch(store, "a"), Send(outgoing()))
        (due,) = await store.due(NOON, 9)
        await deliver(store, [due], DeliveryState.DELIVERED)
        assert await removable(store) == {1}
        bounced = Receipt(DeliveryState.BOUNCED, 550, "no such user")
        assert await store.settle([DeliveryResult(due.id, bounced)]) == set()
        assert await removable(store) == set()

    with_store(path, steps)
