"""Some servers say that UIDVALIDITY is 0: it is a number like any other."""

from __future__ import annotations

from pathlib import Path

from postroom.mail.message import Message
from postroom.ports import EffectResult, EffectState, MessageState, Placement
from postroom.rules.effects import FileInto
from postroom.store.store import SqlStore
from tests.store.samples import NOON, cursor, decide, message, plan, with_store

MOVE = FileInto("News")


def at_zero(uid: int, mailbox: str = "INBOX", of: int | None = None) -> Message:
    """A message of such a server; the same as the one with UID `of`."""
    name = f"<{of or uid}@example.org>"
    return message(uid, mailbox=mailbox, uidvalidity=0, message_id=name)


async def finish(store: SqlStore, placement: Placement) -> None:
    """Have the one move that is open done."""
    (move,) = await store.open_effects("home", "INBOX", 0)
    await store.begin_effects([move.id])
    done = EffectResult(move.id, EffectState.DONE, "", placement)
    await store.finish_effects([done])


def test_a_cursor_is_kept_and_goes_forward_only(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        empty = cursor(0, uidvalidity=0)
        await store.adopt("home", "INBOX", empty)
        assert await store.cursor("home", "INBOX") == empty
        (report,) = (await store.summary()).mailboxes
        assert report.cursor == empty
        for uid in (9, 3):
            arrival = at_zero(uid), plan(f"k{uid}")
            await decide(store, arrival, at=cursor(uid, uidvalidity=0))
            assert await store.cursor("home", "INBOX") == cursor(9, uidvalidity=0)

    with_store(path, steps)


def test_what_waits_to_be_decided_is_found(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.see([at_zero(1)], NOON)
        await store.adopt("home", "INBOX", cursor(1, uidvalidity=0))
        assert await store.undecided("home", "INBOX", 0) == [1]
        await store.mark_gone([at_zero(1).key])
        assert await store.undecided("home", "INBOX", 0) == []

    with_store(path, steps)


def test_a_move_is_done_and_recognised_by_its_uid(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (at_zero(1), plan("k", MOVE)))
        await finish(store, Placement("News", 0, 5))
        other, placed = at_zero(6, "News", of=1), at_zero(5, "News")
        seen = await store.see([other, placed], NOON)
        assert [seen[each.key].placed for each in (other, placed)] == [False, True]
        (sighting,) = (await store.see([at_zero(1)], NOON)).values()
        assert sighting.state is MessageState.ACKNOWLEDGED

    with_store(path, steps)


def test_a_move_that_was_recognised_first_accounts_for_no_more(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (at_zero(1), plan("k", MOVE)))
        first, second = at_zero(5, "News", of=1), at_zero(6, "News", of=1)
        assert (await store.see([first], NOON))[first.key].placed
        await finish(store, Placement("News"))
        assert not (await store.see([second], NOON))[second.key].placed

    with_store(path, steps)


def test_it_is_numbered_anew_to_zero_and_from_zero(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        before, at_nought = message(1), at_zero(2, of=1)
        after = message(3, uidvalidity=8, message_id="<1@example.org>")
        await decide(store, (before, plan("k", MOVE)))
        for old, new in ((before, at_nought), (at_nought, after)):
            where = new.key.uidvalidity
            assert await store.open_effects("home", "INBOX", old.key.uidvalidity)
            assert await store.carry_over("home", "INBOX", [new]) == 1
            await store.give_up_before("home", "INBOX", where)
            (move,) = await store.open_effects("home", "INBOX", where)
            assert move.message == new.key

    with_store(path, steps)


def test_what_is_known_at_zero_is_known_later_and_the_other_way_round(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (at_zero(1), plan("k")), (message(2), plan("l")))
        later = message(5, message_id="<1@example.org>")
        now = at_zero(6, of=2)
        strangers = message(7), at_zero(8)
        found = await store.unknown([later, now, *strangers])
        assert found == {each.key for each in strangers}

    with_store(path, steps)


def test_uids_at_zero_are_given_up_too(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (at_zero(1), plan("k")), at=cursor(1, uidvalidity=0))
        await store.void_uids("home", "INBOX")
        assert await store.cursor("home", "INBOX") == cursor(1, uidvalidity=-1)
        (handled,) = await store.history()
        assert handled.key.uidvalidity == -1

    with_store(path, steps)
