"""Doing what was planned, and when a message is finished."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.ports import (
    DeliveryState,
    EffectResult,
    EffectState,
    MessageState,
    Placement,
)
from postroom.rules.effects import Copy, Delete, FileInto, Send, SetFlags
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    decide,
    deliver,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)

READ = SetFlags(frozenset({"\\Seen"}))
FOREVER = Delete(forever=True)


async def state_of(store: SqlStore) -> MessageState:
    """The state of the only message."""
    (handled,) = await store.history()
    return handled.state


def test_an_effect_that_was_begun_is_open_and_marked_as_attempted(path: Path) -> None:
    async def begin(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        (effect,) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([effect.id])

    with_store(path, begin)
    (effect,) = with_store(path, lambda store: store.open_effects("home", "INBOX", 7))
    assert effect.attempted
    assert effect.message == message(1).key
    assert effect.effect == FileInto("News")


def test_effects_of_another_mailbox_or_uidvalidity_are_not_open_here(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        assert await store.open_effects("home", "INBOX", 8) == []
        assert await store.open_effects("home", "News", 7) == []
        assert await store.open_effects("work", "INBOX", 7) == []

    with_store(path, steps)


def test_all_effects_done_acknowledge_the_message(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", READ, FileInto("News"))))
        flags, move = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([flags.id, move.id])
        await store.finish_effects([EffectResult(flags.id, EffectState.DONE)])
        assert await state_of(store) is MessageState.DECIDED
        done = EffectResult(move.id, EffectState.DONE, "", Placement("News", 3, 4))
        await store.finish_effects([done])
        assert await state_of(store) is MessageState.ACKNOWLEDGED

    with_store(path, steps)


@pytest.mark.parametrize("state", [EffectState.FAILED, EffectState.HELD])
def test_an_effect_that_is_not_done_settles_but_never_acknowledges(
    path: Path, state: EffectState
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Copy("Old"))))
        (copy,) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([copy.id])
        await store.finish_effects([EffectResult(copy.id, state, "quota")])
        assert await state_of(store) is MessageState.SETTLED
        (trouble,) = (await store.summary()).troubles
        assert (trouble.state, trouble.reason, trouble.rule) == (
            state,
            "quota",
            "Invoices",
        )

    with_store(path, steps)


def test_a_result_for_what_is_done_already_is_refused(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", Copy("Old"))))
        (copy,) = await store.open_effects("home", "INBOX", 7)
        await finish(store)
        with pytest.raises(StoreError, match="can't go from done to doing"):
            await store.begin_effects([copy.id])
        with pytest.raises(StoreError, match="effect 99 can't go from None"):
            await store.finish_effects([EffectResult(99, EffectState.DONE)])

    with_store(path, steps)


def test_an_expunge_waits_for_every_other_effect_and_delivery(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        sending = Send(outgoing("ann@example.org", "bob@example.org"))
        await decide(store, (message(1), plan("k", FOREVER, READ, sending)))
        (flags,) = await store.open_effects("home", "INBOX", 7)
        assert flags.effect == READ
        await finish(store)
        assert await store.open_effects("home", "INBOX", 7) == []
        ann, bob = await store.due(NOON, 10)
        assert not await deliver(store, [ann], DeliveryState.DELIVERED)
        assert await store.open_effects("home", "INBOX", 7) == []
        ready = await deliver(store, [bob], DeliveryState.DELIVERED)
        assert ready == {("home", "INBOX")}
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == FOREVER
        await finish(store)
        assert await state_of(store) is MessageState.ACKNOWLEDGED

    with_store(path, steps)


def test_deliveries_first_and_flags_later_lead_to_the_expunge_too(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER, READ, Send(outgoing()))))
        due = await store.due(NOON, 10)
        assert not await deliver(store, due, DeliveryState.DELIVERED)
        await finish(store)
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == FOREVER

    with_store(path, steps)


def test_an_expunge_alone_is_open_at_once(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER)))
        (expunge,) = await store.open_effects("home", "INBOX", 7)
        assert expunge.effect == FOREVER

    with_store(path, steps)


@pytest.mark.parametrize(
    "state", [DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.UNKNOWN]
)
def test_a_delivery_that_did_not_arrive_keeps_the_message(
    path: Path, state: DeliveryState
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER, Send(outgoing()))))
        assert not await deliver(store, await store.due(NOON, 10), state)
        assert await store.open_effects("home", "INBOX", 7) == []
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        _, expunge = handled.effects
        assert expunge.state is EffectState.HELD
        assert "send of rule 'Invoices'" in expunge.detail

    with_store(path, steps)


def test_a_delete_that_names_no_mailbox_is_never_done(path: Path) -> None:
    """Even one that an earlier postroom has planned: it would be taken for good."""
    sending = message(1), plan("k", FOREVER)
    with_store(path, lambda store: decide(store, sending))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE effect SET kind = 'trash'")
    opened = with_store(path, lambda store: store.open_effects("home", "INBOX", 7))
    assert opened == []


def test_a_flag_that_failed_keeps_the_message(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER, READ)))
        await finish(store, EffectState.FAILED)
        assert await store.open_effects("home", "INBOX", 7) == []
        assert await state_of(store) is MessageState.SETTLED

    with_store(path, steps)
