"""Recording decisions: all of a batch or nothing, each effect once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.errors import ContentError, StoreError
from postroom.ports import Decision, EffectResult, EffectState, MessageState
from postroom.rules.effects import Copy, Delete, FileInto, Perform, Send, SetFlags
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    TRACE,
    cursor,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What the database itself holds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_a_message_without_effects_is_acknowledged_at_once(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), Plan(trace=TRACE)))
        (handled,) = await store.history()
        assert handled.state is MessageState.ACKNOWLEDGED
        assert handled.trace == TRACE
        assert handled.matched == ("Invoices",)

    with_store(path, steps)


def test_effects_are_done_in_the_order_flags_copies_place(path: Path) -> None:
    flags = SetFlags(frozenset({"\\Seen"}), frozenset({"$Junk"}))
    written = FileInto("News"), Copy("Archive"), flags

    async def steps(store: SqlStore) -> None:
        await decide(
            store, (message(2), plan("b", *written)), (message(1), plan("a", *written))
        )
        found = await store.open_effects("home", "INBOX", 7)
        in_order = [flags, Copy("Archive"), FileInto("News")]
        assert [each.effect for each in found] == in_order * 2
        assert [each.message.uid for each in found] == [1, 1, 1, 2, 2, 2]
        assert {each.rule for each in found} == {"Invoices"}
        assert not any(each.attempted for each in found)

    with_store(path, steps)


def test_a_message_that_is_decided_again_is_left_as_it_is(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"), Send(outgoing()))))
        await decide(store, (message(1), plan("k", FileInto("News"), Send(outgoing()))))
        assert len(await store.open_effects("home", "INBOX", 7)) == 1
        assert len(await store.due(NOON, 10)) == 1

    with_store(path, steps)


def test_an_effect_key_is_recorded_once_and_its_message_still_ends(path: Path) -> None:
    twice = plan("k", FileInto("News")).effects * 2

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), Plan(twice, TRACE)))
        (effect,) = await store.open_effects("home", "INBOX", 7)
        await store.finish_effects([EffectResult(effect.id, EffectState.DONE)])
        (sighting,) = (await store.see([message(1)], NOON)).values()
        assert sighting.state is MessageState.ACKNOWLEDGED

    with_store(path, steps)


def test_the_same_key_of_another_message_is_another_effect(path: Path) -> None:
    """It is made of an account's name and a UID, which may come to mean another."""

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await decide(
            store,
            (message(2), plan("k", FileInto("News"))),
            (message(3), plan("k", FileInto("News"))),
        )
        found = await store.open_effects("home", "INBOX", 7)
        assert [each.message.uid for each in found] == [1, 2, 3]

    with_store(path, steps)


def test_a_batch_that_fails_leaves_nothing_behind(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        await store.see([message(1)], NOON)
        planned = Decision(message(1), plan("k", FileInto("News"), Send(outgoing())))
        unseen = Decision(message(2), Plan())
        with pytest.raises(StoreError):
            await store.commit(run, [planned, unseen], cursor(2))
        with pytest.raises(StoreError, match="no run 99"):
            await store.commit(99, [planned], cursor(2))
        assert await store.cursor("home", "INBOX") is None
        assert await store.open_effects("home", "INBOX", 7) == []
        assert await store.next_due() is None
        (sighting,) = (await store.see([message(1)], NOON)).values()
        assert sighting.state is MessageState.SEEN

    with_store(path, steps)
    assert rows(path, "SELECT * FROM content") == []


def test_a_cursor_belongs_to_the_one_mailbox_of_its_decisions(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        two = [message(1), message(1, mailbox="News")]
        await store.see(two, NOON)
        for decisions in ([], [Decision(each, Plan()) for each in two]):
            with pytest.raises(StoreError, match="its own mailbox"):
                await store.commit(run, decisions, cursor(1))

    with_store(path, steps)


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (
            Perform(needs_bytes=True),
            "it needs the whole message, of which only the header was read",
        ),
        (Send(outgoing()), "it has no recipient"),
        (Delete(), "it was not known which mailbox is the Trash"),
    ],
)
def test_what_can_not_be_done_is_held_and_keeps_the_message(
    path: Path, effect: Perform | Send | Delete, reason: str
) -> None:
    if isinstance(effect, Send):
        envelope = type(effect.outgoing.envelope)(None, ())
        effect = Send(type(effect.outgoing)("home", envelope, b"x", "<x@x>"))

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect, Delete(forever=True))))
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        held, kept = handled.effects
        assert (held.state, held.detail) == (EffectState.HELD, reason)
        assert kept.state is EffectState.HELD
        assert kept.detail.startswith("kept: ")
        assert await store.open_effects("home", "INBOX", 7) == []

    with_store(path, steps)


def test_the_same_content_is_kept_once_in_chunks(path: Path) -> None:
    large = bytes(range(256)) * 4096  # four chunks

    async def steps(store: SqlStore) -> None:
        await decide(
            store,
            (message(1), plan("a", Send(outgoing("ann@example.org", content=large)))),
            (message(2), plan("b", Send(outgoing("bob@example.org", content=large)))),
        )
        for due in await store.due(NOON, 10):
            sent = await store.outgoing(due.outgoing_id)
            assert sent == outgoing(due.recipient, content=large)

    with_store(path, steps)
    lengths = rows(path, "SELECT length(octets) FROM content_chunk ORDER BY ordinal")
    assert lengths == [(256 * 1024,)] * 4


def test_empty_content_comes_back_empty(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("a", Send(outgoing(content=b"")))))
        (due,) = await store.due(NOON, 10)
        assert (await store.outgoing(due.outgoing_id)).content == b""

    with_store(path, steps)


def test_damaged_content_is_never_sent(path: Path) -> None:
    sending = message(1), plan("a", Send(outgoing()))
    with_store(path, lambda store: decide(store, sending))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE content_chunk SET octets = x'00'")

    async def steps(store: SqlStore) -> None:
        (due,) = await store.due(NOON, 10)
        with pytest.raises(ContentError, match="damaged"):
            await store.outgoing(due.outgoing_id)

    with_store(path, steps)


def test_the_flags_before_and_the_source_are_journaled(path: Path) -> None:
    flagged = message(1, flags=("\\Seen", "$Work"))
    effect = SetFlags(frozenset({"\\Flagged"}))
    with_store(path, lambda store: decide(store, (flagged, plan("k", effect))))
    columns = "flags_before, source_uidvalidity, source_uid"
    found = rows(path, f"SELECT {columns} FROM effect")
    assert found == [('["$Work","\\\\Seen"]', 7, 1)]
