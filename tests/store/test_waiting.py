"""Messages that wait for a rule that is held, and what ends their waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.ports import (
    Decision,
    DeliveryState,
    EffectState,
    Hold,
    HoldKind,
    MessageState,
    PerformResult,
)
from postroom.rules.effects import Delete, FileInto, Perform, Send
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    cursor,
    decide,
    deliver,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)

HANGS = Hold(HoldKind.RULE, "Invoices", "it took longer than 5 s", NOON)
FOREVER = Delete(forever=True)
WHY = "60 are unknown"


async def wait(store: SqlStore, *uids: int, rule: str = "Invoices") -> None:
    """See these messages and have them wait for the rule, which is held."""
    await store.hold(replace(HANGS, name=rule))
    run = await store.begin_run("live", RULES)
    await store.see([message(uid) for uid in uids], NOON)
    waiting = [
        Decision(message(uid), failure="it is held", waits_for=rule) for uid in uids
    ]
    await store.commit(run, waiting, cursor(max(uids)))


async def undecided(store: SqlStore) -> list[int]:
    """The UIDs that are to be decided."""
    return await store.undecided("home", "INBOX", 7)


async def effects_of(store: SqlStore) -> dict[str, EffectState]:
    """The state of each effect of the one message, by its kind."""
    (handled,) = await store.history()
    return {each.kind: each.state for each in handled.effects}


# -- waiting


def test_a_message_that_waits_is_seen_not_charged_and_not_undecided(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(HANGS)
        for _ in range(4):
            await wait(store, 1)
        assert await undecided(store) == []
        (handled,) = await store.history()
        assert (handled.state, handled.attempts) == (MessageState.SEEN, 0)
        assert handled.reason == "it is held"
        summary = await store.summary()
        assert summary.waiting == {"Invoices": 1}
        assert summary.troubles == (), "what waits is told once, by its rule"

    with_store(path, steps)


def test_others_of_the_batch_go_on(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(HANGS)
        run = await store.begin_run("live", RULES)
        await store.see([message(1), message(2), message(3)], NOON)
        waits = Decision(message(1), waits_for="Invoices")
        fails = Decision(message(2), failure="it broke")
        await store.commit(run, [waits, fails, Decision(message(3), Plan())], cursor(3))
        assert await undecided(store) == [2]
        states = {each.key.uid: each.state for each in await store.history()}
        assert states[3] is MessageState.ACKNOWLEDGED

    with_store(path, steps)


def test_releasing_the_rule_has_all_that_wait_for_it_decided(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(HANGS)
        await wait(store, 1, 2)
        await wait(store, 3, rule="Others")
        assert await store.release(HoldKind.RULE, "Invoices")
        assert await undecided(store) == [1, 2]
        assert (await store.summary()).waiting == {"Others": 1}
        assert {each.reason for each in await store.history()} == {"", "it is held"}
        told = await store.see([message(1)], NOON)
        assert told[message(1).key].attempts == 1
        await decide(store, (message(1), Plan()))
        assert await undecided(store) == [2]
        assert not await store.release(HoldKind.RULE, "Invoices")

    with_store(path, steps)


def test_what_is_decided_while_it_waits_waits_no_more(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await wait(store, 1)
        await decide(store, (message(1), Plan()))
        assert (await store.summary()).waiting == {}

    with_store(path, steps)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT waits_for, reason FROM message").fetchall()
    assert rows == [("", "")]


@pytest.mark.parametrize(
    "end_hold",
    [
        lambda store: store.release(HoldKind.RULE, "Invoices"),
        lambda store: store.forget_rules(["Others"]),
    ],
)
def test_nothing_waits_for_a_rule_whose_hold_ended_while_it_was_decided(
    path: Path, end_hold: Callable[[SqlStore], Awaitable[object]]
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(HANGS)
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        await end_hold(store)
        waits = Decision(message(1), failure="it is held", waits_for="Invoices")
        await store.commit(run, [waits], cursor(1))
        assert await undecided(store) == [1]
        assert (await store.summary()).waiting == {}
        (handled,) = await store.history()
        assert (handled.state, handled.attempts) == (MessageState.SEEN, 0)
        assert handled.reason == ""

    with_store(path, steps)


def test_an_account_that_has_the_name_of_the_rule_holds_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(Hold(HoldKind.ACCOUNT, "Invoices", "paused", NOON))
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        waits = Decision(message(1), waits_for="Invoices")
        await store.commit(run, [waits], cursor(1))
        assert await undecided(store) == [1]

    with_store(path, steps)


# -- holds


def test_holds_are_kept_with_their_first_reason_until_they_are_released(
    path: Path,
) -> None:
    paused = Hold(HoldKind.ACCOUNT, "home", "paused", NOON + timedelta(hours=1))

    async def hold(store: SqlStore) -> None:
        await store.hold(HANGS)
        await store.hold(Hold(HoldKind.RULE, "Invoices", "it failed", paused.since))
        await store.hold(paused)

    async def steps(store: SqlStore) -> None:
        assert await store.holds() == [paused, HANGS]
        assert (await store.summary()).holds == (paused, HANGS)
        assert not await store.release(HoldKind.ACCOUNT, "Invoices")
        assert await store.release(HoldKind.ACCOUNT, "home")
        assert not await store.release(HoldKind.ACCOUNT, "home")
        assert await store.holds() == [HANGS]

    with_store(path, hold)
    with_store(path, steps)


def test_a_rule_that_is_no_more_is_held_no_more_and_nothing_waits_for_it(
    path: Path,
) -> None:
    """An account that has the name of a rule is another thing."""
    paused = Hold(HoldKind.ACCOUNT, "Others", "paused", NOON)

    async def steps(store: SqlStore) -> None:
        await store.hold(HANGS)
        await store.hold(Hold(HoldKind.RULE, "Gone", "it failed", NOON))
        await store.hold(paused)
        await wait(store, 1)
        await wait(store, 2, rule="Gone")
        await store.forget_rules({"Invoices", "Others"})
        assert await store.holds() == [paused, HANGS]
        assert await undecided(store) == [2]
        await store.forget_rules([])
        assert await undecided(store) == [1, 2]

    with_store(path, steps)


def test_rules_that_can_be_released_are_known_by_what_waits_for_them(
    path: Path,
) -> None:
    """Whether there is such a rule still, or it has another name by now."""

    async def steps(store: SqlStore) -> None:
        assert await store.held_rules() == frozenset()
        await store.hold(Hold(HoldKind.ACCOUNT, "home", "paused", NOON))
        await decide(store, (message(1), plan("k", FileInto("News"))), at=cursor(1))
        await finish(store, EffectState.HELD)
        assert await store.held_rules() == {"Invoices"}
        await wait(store, 2, rule="Others")
        await store.hold(replace(HANGS, name="Rest"))
        assert await store.held_rules() == {"Invoices", "Others", "Rest"}
        assert await store.release(HoldKind.RULE, "Invoices")
        assert await store.release(HoldKind.RULE, "Rest")
        await store.mark_gone([message(2).key])
        assert await store.release(HoldKind.RULE, "Others")
        assert await store.held_rules() == frozenset()

    with_store(path, steps)


# -- effects of a rule that is released


@pytest.mark.parametrize("effect", [Perform("{}", action="webhook"), FileInto("News")])
def test_what_was_held_of_the_rule_is_done_and_the_message_may_go(
    path: Path, effect: Perform | FileInto
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect, FOREVER)), at=cursor(1))
        for each in await store.due_performs(NOON, 9):
            await store.begin_perform(each.id)
            held = PerformResult(each.id, EffectState.HELD, "it has no plugin")
            await store.finish_performs([held])
        await finish(store, EffectState.HELD)
        assert set((await effects_of(store)).values()) == {EffectState.HELD}
        assert (await store.history())[0].state is MessageState.SETTLED
        assert await store.release(HoldKind.RULE, "Invoices")
        assert set((await effects_of(store)).values()) == {EffectState.PLANNED}
        assert (await store.history())[0].state is MessageState.DECIDED

        for each in await store.due_performs(NOON, 9):
            assert each.attempts == 0, "it begins anew"
            await store.finish_performs([PerformResult(each.id, EffectState.DONE)])
        await finish(store)
        await finish(store)
        assert (await store.history())[0].state is MessageState.ACKNOWLEDGED

    with_store(path, steps)


def test_what_can_not_be_done_any_more_stays_held(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))), at=cursor(1))
        await decide(store, (message(2), plan("l", FileInto("News"))), at=cursor(2))
        await finish(store, EffectState.HELD)
        await store.mark_gone([message(1).key])
        await store.adopt("home", "INBOX", cursor(2, uidvalidity=8))
        assert not await store.release(HoldKind.RULE, "Invoices")
        await store.adopt("home", "INBOX", cursor(2))
        assert await store.release(HoldKind.RULE, "Invoices")
        (opened,) = await store.open_effects("home", "INBOX", 7)
        assert opened.message == message(2).key

    with_store(path, steps)


def test_a_message_that_is_kept_for_another_reason_stays(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        sending = plan("k", Send(outgoing()), FOREVER)
        await decide(store, (message(1), sending), at=cursor(1))
        await deliver(store, await store.due(NOON, 9), DeliveryState.UNKNOWN)
        assert set((await effects_of(store)).values()) == {EffectState.HELD}
        assert not await store.release(HoldKind.RULE, "Invoices")
        assert set((await effects_of(store)).values()) == {EffectState.HELD}

    with_store(path, steps)


def test_a_perform_whose_octets_were_not_read_stays_held(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Perform(needs_bytes=True))))
        assert not await store.release(HoldKind.RULE, "Invoices")
        assert await store.next_perform() is None

    with_store(path, steps)


def test_what_was_held_when_it_was_decided_goes_out_only_if_that_is_asked_for(
    path: Path,
) -> None:
    """The rule's own hold may end by itself, when its plugin is there again."""
    both = Send(outgoing()), Perform("{}", action="webhook")

    async def steps(store: SqlStore) -> None:
        await store.note_arrived([message(1)], WHY)
        await decide(store, (message(1), plan("k", *both, FOREVER)), at=cursor(1))
        await store.hold(HANGS)
        assert await store.release(HoldKind.RULE, "Invoices")
        assert (await store.next_due(), await store.next_perform()) == (None, None)
        assert await store.release(HoldKind.RULE, "Invoices")
        assert (await store.next_due(), await store.next_perform()) == (NOON, NOON)
        assert set((await effects_of(store)).values()) == {EffectState.PLANNED}
        assert not await store.release(HoldKind.RULE, "Invoices")

    with_store(path, steps)


def test_a_delivery_that_its_owner_held_is_not_released_with_the_rule(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Send(outgoing()))))
        assert await store.hold_deliveries([1], "held by its owner") == []
        assert not await store.release(HoldKind.RULE, "Invoices")
        assert await store.next_due() is None

    with_store(path, steps)
