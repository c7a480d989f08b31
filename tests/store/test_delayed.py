"""What an action could not carry out yet is told, with the time of the next try."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from postroom.ports import EffectState, PerformResult
from postroom.rules.effects import Perform
from postroom.store.store import SqlStore
from tests.store.samples import NOON, decide, message, plan, with_store

SAVE = Perform("{}", action="save", told="save a copy in /srv/mail")
AGAIN = NOON + timedelta(minutes=5)


async def attempt(store: SqlStore, result: EffectState, reason: str) -> None:
    """Begin what is due, and have it come to this."""
    (due,) = await store.due_performs(NOON, 9)
    await store.begin_perform(due.id)
    again = AGAIN if result is EffectState.PLANNED else None
    await store.finish_performs([PerformResult(due.id, result, reason, again)])


def test_what_is_delayed_is_told_until_it_is_done(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", SAVE)))
        assert (await store.summary()).delayed == ()
        await attempt(store, EffectState.PLANNED, "the disk is full")
        (delayed,) = (await store.summary()).delayed
        assert str(delayed) == (
            "delayed: home/INBOX UID 1 <1@example.org> by rule 'Invoices': "
            "save a copy in /srv/mail: the disk is full"
        )
        assert delayed.next_attempt == AGAIN
        (due,) = await store.due_performs(AGAIN, 9)
        await store.begin_perform(due.id)
        (trying,) = (await store.summary()).delayed
        assert trying.next_attempt is None
        await store.finish_performs([PerformResult(due.id, EffectState.DONE)])
        assert (await store.summary()).delayed == ()

    with_store(path, steps)


def test_what_is_done_and_incomplete_is_no_trouble(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", SAVE)))
        await attempt(store, EffectState.DONE, "not all is saved")
        summary = await store.summary()
        assert (summary.delayed, summary.troubles) == ((), ())
        (effect,) = (await store.history())[0].effects
        assert effect.detail == "not all is saved"

    with_store(path, steps)


def test_a_message_without_a_name_is_told_without_a_stray_blank(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        nameless = message(1, message_id="")
        await decide(store, (nameless, plan("k", SAVE)))
        await attempt(store, EffectState.FAILED, "no")
        (trouble,) = (await store.summary()).troubles
        assert str(trouble) == "failed: home/INBOX UID 1 by rule 'Invoices': no"

    with_store(path, steps)
