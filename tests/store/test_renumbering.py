"""What was planned goes on after a server has numbered its messages anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import (
    DeliveryState,
    EffectResult,
    EffectState,
    MessageState,
    OpenEffect,
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
MOVE = FileInto("News")


def renumbered(uid: int, of: int) -> Message:
    """The message with UID `of`, as it is named now."""
    return message(uid, uidvalidity=8, message_id=f"<{of}@example.org>")


async def carry_over(store: SqlStore, *messages: Message) -> int:
    """To how many of these something was carried over."""
    return await store.carry_over("home", "inbox", messages)


async def open_now(store: SqlStore) -> Sequence[OpenEffect]:
    """What is open under the new UIDVALIDITY."""
    return await store.open_effects("home", "INBOX", 8)


def test_what_is_open_is_done_under_the_new_name(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", READ, MOVE)))
        (flags, _) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([flags.id])
        same, other = renumbered(50, of=1), renumbered(51, of=2)
        assert await carry_over(store, same, other) == 1
        opened = await open_now(store)
        assert [(each.message, each.effect, each.attempted) for each in opened] == [
            (same.key, READ, True),
            (same.key, MOVE, False),
        ]
        assert await store.open_effects("home", "INBOX", 7) == []
        told = await store.see([same], NOON)
        assert told[same.key].state is MessageState.DECIDED
        assert await carry_over(store, same, other) == 0, "once is enough"

    with_store(path, steps)


def test_an_expunge_that_waits_for_a_delivery_is_carried_over_too(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER, Send(outgoing()))))
        assert await carry_over(store, renumbered(50, of=1)) == 1
        await store.give_up_before("home", "INBOX", 8)
        assert await open_now(store) == []
        due = await store.due(NOON, 10)
        assert await deliver(store, due, DeliveryState.DELIVERED)
        (expunge,) = await open_now(store)
        assert expunge.message == renumbered(50, of=1).key

    with_store(path, steps)


def test_what_was_done_keeps_the_name_under_which_it_was_done(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", MOVE)))
        await finish(store, placement=Placement("News", 30, 5))
        assert await carry_over(store, renumbered(50, of=1)) == 0
        assert not await store.unknown([renumbered(50, of=1)])

    with_store(path, steps)


def test_of_a_message_only_what_is_open_is_done_under_the_new_name(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", READ, MOVE)))
        (flags, _) = await store.open_effects("home", "INBOX", 7)
        await store.finish_effects([EffectResult(flags.id, EffectState.DONE)])
        assert await carry_over(store, renumbered(50, of=1)) == 1

    with_store(path, steps)
    query = "SELECT kind, source_uidvalidity, source_uid FROM effect ORDER BY id"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(query).fetchall()
    assert found == [("flags", 7, 1), ("move", 8, 50)]


def test_where_the_new_name_has_a_row_only_the_effects_go_over(path: Path) -> None:
    same = renumbered(50, of=1)

    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", MOVE)))
        await store.see([same], NOON)
        assert await carry_over(store, same) == 1
        (move,) = await open_now(store)
        assert move.message == same.key
        old, new = (await store.history())[::-1]
        assert (old.key, new.key) == (message(1).key, same.key)

    with_store(path, steps)


def test_twins_take_over_from_one_each(path: Path) -> None:
    twin = message(2, message_id="<1@example.org>")
    three = [renumbered(uid, of=1) for uid in (50, 51, 52)]

    async def steps(store: SqlStore) -> None:
        other = FileInto("Old")
        await decide(store, (message(1), plan("k", MOVE)), (twin, plan("l", other)))
        assert await carry_over(store, *three) == 2
        opened = [(each.message.uid, each.effect) for each in await open_now(store)]
        assert opened == [(50, MOVE), (51, other)]

    with_store(path, steps)


@pytest.mark.parametrize(
    "other",
    [
        message(50, uidvalidity=8, message_id="<1@example.org>", size=1),
        message(50, uidvalidity=8, message_id="<1@example.org>", account="work"),
        message(50, uidvalidity=8, message_id="<1@example.org>", mailbox="Old"),
        message(50, uidvalidity=7, message_id="<1@example.org>"),
    ],
)
def test_what_is_not_certainly_the_same_is_left_alone(
    path: Path, other: Message
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER)))
        where = other.key
        assert await store.carry_over(where.account, where.mailbox, [other]) == 0
        assert len(await store.open_effects("home", "INBOX", 7)) == 1

    with_store(path, steps)


def test_without_a_message_id_nothing_is_carried_over(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1, message_id=""), plan("k", FOREVER)))
        nameless = message(50, uidvalidity=8, message_id="")
        assert await carry_over(store, nameless) == 0
        assert await carry_over(store) == 0

    with_store(path, steps)


def test_what_is_not_found_again_fails_and_says_so(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(
            store,
            (message(1), plan("k", Copy("Old"), Send(outgoing()))),
            (message(2, uidvalidity=8), plan("l", Copy("Old"))),
            (message(3, mailbox="News"), plan("m", Copy("Old"))),
        )
        await store.give_up_before("home", "inbox", 8)
        (trouble,) = (await store.summary()).troubles
        assert trouble.message == message(1).key
        assert trouble.state == EffectState.FAILED
        assert trouble.reason == (
            "the server numbered its messages anew, and it was not found again"
        )
        assert len(await open_now(store)) == 1
        assert len(await store.open_effects("home", "News", 7)) == 1
        await deliver(store, await store.due(NOON, 10), DeliveryState.DELIVERED)
        states = {each.key.uid: each.state for each in await store.history()}
        assert states[1] is MessageState.SETTLED

    with_store(path, steps)


def test_what_is_given_up_settles_its_message(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FOREVER, READ)))
        await store.give_up_before("home", "INBOX", 8)
        (handled,) = await store.history()
        assert handled.state is MessageState.SETTLED
        assert {each.state for each in handled.effects} == {EffectState.FAILED}

    with_store(path, steps)
