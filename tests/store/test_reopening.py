"""What failed or is held is tried again when its rule is released."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.ports import (
    EffectResult,
    EffectState,
    HoldKind,
    MessageState,
    PerformResult,
)
from postroom.rules.effects import Effect, FileInto, Perform
from postroom.store.store import SqlStore
from tests.store.samples import NOON, cursor, decide, message, plan, with_store

SAVE = Perform("{}", action="save", told="save a copy in /srv/mail")
FILED = FileInto("Invoices")


async def end(store: SqlStore, effect: Effect, state: EffectState) -> None:
    """Decide about a message, and have the effect of it end so."""
    await decide(store, (message(1), plan("k", effect)), at=cursor(1))
    if isinstance(effect, Perform):
        (due,) = await store.due_performs(NOON, 9)
        await store.begin_perform(due.id)
        await store.finish_performs([PerformResult(due.id, state, "no")])
        return
    (one,) = await store.open_effects("home", "INBOX", 7)
    await store.begin_effects([one.id])
    await store.finish_effects([EffectResult(one.id, state, "no")])


async def count_open(store: SqlStore) -> int:
    """How many are to be done."""
    performs = await store.due_performs(NOON, 9)
    return len(performs) + len(await store.open_effects("home", "INBOX", 7))


@pytest.mark.parametrize("effect", [SAVE, FILED])
@pytest.mark.parametrize("state", [EffectState.FAILED, EffectState.HELD])
def test_what_was_not_done_is_tried_again(
    path: Path, effect: Effect, state: EffectState
) -> None:
    async def steps(store: SqlStore) -> None:
        await end(store, effect, state)
        (trouble,) = (await store.summary()).troubles
        assert trouble.releasable
        assert "Invoices" in await store.held_rules()
        assert await store.release(HoldKind.RULE, "Invoices")
        assert await count_open(store) == 1
        assert (await store.history())[0].state is MessageState.DECIDED

    with_store(path, steps)


def test_what_is_done_is_not_done_again(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await end(store, SAVE, EffectState.DONE)
        assert await store.held_rules() == frozenset()
        assert not await store.release(HoldKind.RULE, "Invoices")
        assert await count_open(store) == 0

    with_store(path, steps)


def test_nothing_is_tried_again_at_a_message_that_is_gone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await end(store, FILED, EffectState.FAILED)
        await store.mark_gone([message(1).key])
        (trouble,) = (await store.summary()).troubles
        assert not trouble.releasable
        assert not await store.release(HoldKind.RULE, "Invoices")
        assert await count_open(store) == 0

    with_store(path, steps)


def test_what_lacks_its_octets_keeps_the_message_from_being_done_with(
    path: Path,
) -> None:
    """It was too large to be read: there is nothing to try again with."""

    async def steps(store: SqlStore) -> None:
        whole = Perform(needs_bytes=True, action="forward")
        await decide(store, (message(1), plan("k", whole)))
        assert (await store.history())[0].state is MessageState.SETTLED
        (trouble,) = (await store.summary()).troubles
        assert not trouble.releasable
        assert not await store.release(HoldKind.RULE, "Invoices")

    with_store(path, steps)
