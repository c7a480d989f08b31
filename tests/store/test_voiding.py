"""UIDs that a server gives out anew mean other messages; what is known is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import (
    EffectResult,
    EffectState,
    MessageState,
    Placement,
    Sighting,
)
from postroom.rules.effects import Copy, FileInto, Send
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    cursor,
    decide,
    finish,
    message,
    outgoing,
    plan,
    with_store,
)

ARRIVED = Sighting(MessageState.SEEN, 1)
MOVE = FileInto("News")
OTHER = message(1, message_id="<other@example.org>")
"""It has the UID that message 1 had."""


def again(uid: int, of: int) -> Message:
    """The message that had UID `of`, under the same UIDVALIDITY."""
    return message(uid, message_id=f"<{of}@example.org>")


def in_news(uid: int, of: int) -> Message:
    """The message that had UID `of`, in another mailbox."""
    name = f"<{of}@example.org>"
    return message(uid, mailbox="News", uidvalidity=30, message_id=name)


def columns(path: Path, query: str) -> list[tuple[object, ...]]:
    """What the database itself holds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


async def void(store: SqlStore, mailbox: str = "INBOX") -> None:
    """Give up the UIDs of the mailbox."""
    await store.void_uids("home", mailbox)


async def read_anew(store: SqlStore, *messages: Message) -> frozenset[int]:
    """What is done with a mailbox that is numbered anew; the UIDs that are known."""
    await store.carry_over("home", "INBOX", messages)
    unknown = await store.unknown(messages)
    await store.give_up_before("home", "INBOX", 7)
    return frozenset(each.key.uid for each in messages if each.key not in unknown)


def test_a_message_with_the_uid_of_another_is_an_arrival(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", MOVE)), at=cursor(1))
        await void(store)
        assert await store.see([OTHER], NOON) == {OTHER.key: ARRIVED}
        assert len(await store.history()) == 2

    with_store(path, steps)


def test_what_is_decided_about_it_is_done_though_the_keys_are_the_same(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        planned = plan("k", MOVE, Send(outgoing()))
        await decide(store, (message(1), planned), at=cursor(1))
        await void(store)
        await decide(store, (OTHER, planned))
        (move,) = await store.open_effects("home", "INBOX", 7)
        assert move.message == OTHER.key
        assert len(await store.due(NOON, 9)) == 2

    with_store(path, steps)


def test_the_cursor_differs_from_the_servers_until_another_is_adopted(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "INBOX", cursor(9))
        await store.see([message(9)], NOON)
        await void(store, "inbox")
        assert await store.cursor("home", "INBOX") == cursor(9, uidvalidity=-1)
        await void(store)
        assert await store.cursor("home", "INBOX") == cursor(9, uidvalidity=-1)
        await store.adopt("home", "INBOX", cursor(2))
        assert await store.cursor("home", "INBOX") == cursor(2)

    with_store(path, steps)


def test_a_mailbox_that_was_never_read_has_nothing_to_give_up(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await void(store)
        await store.see([message(1)], NOON)
        await void(store)
        assert await store.cursor("home", "INBOX") is None
        (handled,) = await store.history()
        assert handled.key == message(1).key

    with_store(path, steps)
    assert columns(path, "SELECT name FROM mailbox") == [("INBOX",)]


def test_each_time_the_uids_are_void_by_themselves(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        for _ in range(3):
            await store.adopt("home", "INBOX", cursor(1))
            await store.see([message(1)], NOON)
            await void(store)
        keys = {each.key.uidvalidity for each in await store.history()}
        assert keys == {-1, -2, -3}

    with_store(path, steps)


def test_what_was_done_under_void_uids_keeps_them_to_itself(path: Path) -> None:
    """Though the message itself was carried over from them."""

    async def steps(store: SqlStore) -> None:
        planned = plan("k", Copy("Old"), MOVE)
        await decide(store, (message(1), planned), at=cursor(1))
        (copy, _) = await store.open_effects("home", "INBOX", 7)
        await store.finish_effects([EffectResult(copy.id, EffectState.DONE)])
        await void(store)
        await read_anew(store, again(5, of=1))
        await store.adopt("home", "INBOX", cursor(5))
        await void(store)

    with_store(path, steps)
    query = "SELECT kind, source_uidvalidity FROM effect ORDER BY id"
    assert columns(path, query) == [("copy", -1), ("move", -2)]


def test_what_was_known_is_recognised_under_its_new_uid(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        planned = plan("k", MOVE), plan("l", Copy("Old"))
        both = zip((message(1), message(2)), planned, strict=True)
        await decide(store, *both, at=cursor(2))
        await void(store)
        assert await store.open_effects("home", "INBOX", 7) == []
        await read_anew(store, again(1, of=2), OTHER)
        (opened,) = await store.open_effects("home", "INBOX", 7)
        assert (opened.message.uid, opened.effect) == (1, Copy("Old"))
        (trouble,) = (await store.summary()).troubles
        assert (trouble.message.uidvalidity, trouble.message.uid) == (-1, 1)
        assert trouble.state == EffectState.FAILED

    with_store(path, steps)


def test_a_crash_on_the_way_leads_to_the_same_end(path: Path) -> None:
    async def begin(store: SqlStore) -> None:
        await decide(store, (message(3), plan("k")), at=cursor(3))
        await void(store)
        assert await read_anew(store, again(1, of=3), again(2, of=9)) == {1}
        await store.note_arrived([again(2, of=9)], "too many")

    async def go_on(store: SqlStore) -> None:
        found = await store.cursor("home", "INBOX")
        assert found is not None
        assert found.uidvalidity != 7
        assert await read_anew(store, again(1, of=3), again(2, of=9)) == {1}
        await store.adopt("home", "INBOX", cursor(2))
        assert await store.undecided("home", "INBOX", 7) == [2]

    with_store(path, begin)
    with_store(path, go_on)


def test_placements_into_it_are_found_again_by_what_they_are(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "News", cursor(0, uidvalidity=30))
        await decide(store, (message(1), plan("k", MOVE)))
        await finish(store, placement=Placement("News", 30, 5))
        await void(store, "News")
        stranger, placed = in_news(5, of=9), in_news(6, of=1)
        seen = await store.see([stranger, placed], NOON)
        assert [seen[each.key].placed for each in (stranger, placed)] == [False, True]

    with_store(path, steps)


def test_what_was_recognised_there_is_void_as_well(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "News", cursor(0, uidvalidity=30))
        await decide(store, (message(1), plan("k", MOVE)))
        await finish(store, placement=Placement("News", 30, 5))
        await store.see([in_news(5, of=1)], NOON)
        await void(store, "News")

    with_store(path, steps)
    query = "SELECT target_uidvalidity, claimed_uidvalidity FROM effect"
    assert columns(path, query) == [(-1, -1)]


def test_a_placement_into_inbox_is_void_in_any_case(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "INBOX", cursor(0))
        filed = message(1, mailbox="News"), plan("k", FileInto("inbox"))
        await decide(store, filed)
        await finish(store, placement=Placement("Inbox", 7, 5), mailbox="News")
        await void(store, "inbox")

    with_store(path, steps)
    assert columns(path, "SELECT target_uidvalidity FROM effect") == [(-1,)]


def test_a_placement_of_another_account_stays(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        for account in ("work", "home"):
            await store.adopt(account, "News", cursor(0))
        await decide(store, (message(1), plan("k", MOVE)))
        await finish(store, placement=Placement("News", 7, 5))
        await store.void_uids("work", "News")

    with_store(path, steps)
    assert columns(path, "SELECT target_uidvalidity FROM effect") == [(7,)]


@pytest.mark.parametrize(
    ("account", "mailbox", "uidvalidity"),
    [("work", "INBOX", 7), ("home", "News", 7), ("home", "INBOX", 6)],
)
def test_nothing_else_is_given_up(
    path: Path, account: str, mailbox: str, uidvalidity: int
) -> None:
    other = message(1, account=account, mailbox=mailbox, uidvalidity=uidvalidity)
    place = account, mailbox, uidvalidity

    async def steps(store: SqlStore) -> None:
        await decide(store, (other, plan("k", FileInto("Old"))))
        (move,) = await store.open_effects(*place)
        await store.adopt("home", "INBOX", cursor(1))
        await void(store)
        assert await store.open_effects(*place) == [move]
        assert (await store.see([other], NOON))[other.key].state is MessageState.DECIDED

    with_store(path, steps)
