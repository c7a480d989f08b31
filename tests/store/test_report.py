"""What the store tells people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from postroom.ports import (
    Decision,
    DeliveryState,
    EffectState,
    MessageState,
    Placement,
)
from postroom.rules.effects import FileInto, Send
from postroom.rules.plan import Plan
from postroom.store.report import EffectReport, MailboxReport
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    TRACE,
    StillClock,
    cursor,
    decide,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)


def test_an_empty_store_has_a_summary(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        summary = await store.summary()
        assert summary.schema_version == 7
        assert len(summary.store_id) == 36
        assert summary.messages == {}
        assert summary.deliveries == {}
        assert summary.relays == {}
        assert summary.mailboxes == ()
        assert summary.troubles == ()
        assert (summary.holds, summary.notices, summary.waiting) == ((), (), {})
        assert await store.history() == []

    with_store(path, steps)


def test_the_summary_counts_by_account_and_state_beside_a_daemon(path: Path) -> None:
    async def read(store: SqlStore) -> None:
        summary = await store.summary()
        assert summary.messages == {
            "home": {MessageState.ACKNOWLEDGED: 1, MessageState.DECIDED: 1},
            "work": {MessageState.SEEN: 1},
        }
        assert summary.deliveries == {DeliveryState.QUEUED: 2}
        assert summary.mailboxes[0] == MailboxReport("home", "INBOX", cursor(2), None)

    async def steps(store: SqlStore) -> None:
        two = Send(outgoing("ann@example.org", "bob@example.org"))
        first, second = (message(1), Plan()), (message(2), plan("k", two))
        await decide(store, first, second, at=cursor(2))
        await store.see([message(1, account="work")], NOON)
        await read(store)

    with_store(path, steps)
    with_store(path, read, read_only=True)


def test_the_latest_troubles_come_first_and_only_so_many(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        for uid in (1, 2, 3):
            clock.forward(seconds=1)
            await store.see([message(uid)], NOON)
            await store.commit(run, [Decision(message(uid), failure=f"no {uid}")], None)
        clock.forward(seconds=1)
        await decide(store, (message(4), plan("k", FileInto("News"))))
        await finish(store, EffectState.FAILED)
        troubles = (await store.summary(troubles=3)).troubles
        assert [each.message.uid for each in troubles] == [4, 3, 2]
        assert [each.state for each in troubles] == ["failed", "seen", "seen"]
        assert [each.rule for each in troubles] == ["Invoices", None, None]
        assert troubles[1].reason == "no 3"

    with_store(path, steps, clock=clock)


def test_the_history_tells_the_last_messages_with_their_rules(path: Path) -> None:
    clock = StillClock()

    async def steps(store: SqlStore) -> None:
        for uid in (1, 2, 3):
            clock.forward(seconds=1)
            planned = replace(plan(f"k{uid}", FileInto("News")), passed_over=uid)
            await decide(store, (message(uid), planned))
            await finish(store, placement=Placement("News", 3, uid))
        newest, second = await store.history(2)
        assert (newest.key, second.key) == (message(3).key, message(2).key)
        assert newest.trace == TRACE
        assert newest.passed_over == 3
        assert newest.matched == ("Invoices",)
        assert newest.message_id == "<3@example.org>"
        assert newest.updated == clock.now()
        assert newest.effects == (
            EffectReport("move", "Invoices", EffectState.DONE, "", "News"),
        )

    with_store(path, steps, clock=clock)
