"""How far mailboxes have been read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from postroom.ports import Cursor, Decision, WatchReport
from postroom.rules.plan import Plan
from postroom.store.store import SqlStore
from tests.store.samples import NOON, RULES, cursor, decide, message, with_store


def test_a_mailbox_that_was_never_read_has_no_cursor(path: Path) -> None:
    assert with_store(path, lambda store: store.cursor("home", "INBOX")) is None


def test_an_adopted_cursor_is_there_after_the_store_was_closed(path: Path) -> None:
    with_store(path, lambda store: store.adopt("home", "INBOX", cursor(41)))
    assert with_store(path, lambda store: store.cursor("home", "INBOX")) == cursor(41)


def test_inbox_is_one_mailbox_in_any_case_and_others_are_not(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "inbox", cursor(1))
        await store.adopt("home", "News", cursor(2))
        assert await store.cursor("home", "INBOX") == cursor(1)
        assert await store.cursor("home", "news") is None
        assert await store.cursor("work", "INBOX") is None

    with_store(path, steps)


def test_a_name_is_one_mailbox_in_either_form_of_its_accents(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "Cafe\u0301", cursor(1))
        assert await store.cursor("home", "Caf\u00e9") == cursor(1)
        assert await store.cursor("home", "Cafe") is None

    with_store(path, steps)


def test_only_the_letters_of_ascii_name_inbox(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "\u0131nbox", cursor(1))
        assert await store.cursor("home", "INBOX") is None

    with_store(path, steps)


def test_a_commit_moves_the_cursor_forward_only(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(9), Plan()), at=cursor(9))
        await decide(store, (message(4), Plan()), at=cursor(4))
        assert await store.cursor("home", "INBOX") == cursor(9)

    with_store(path, steps)


def test_a_cursor_of_another_uidvalidity_replaces_a_higher_one(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(9), Plan()), at=cursor(9))
        renumbered = message(2, uidvalidity=8)
        await decide(store, (renumbered, Plan()), at=cursor(2, uidvalidity=8))
        assert await store.cursor("home", "INBOX") == cursor(2, uidvalidity=8)

    with_store(path, steps)


def test_a_look_that_found_nothing_renews_the_time_only(path: Path) -> None:
    async def steps(store: SqlStore) -> Cursor | None:
        await store.adopt("home", "INBOX", cursor(5))
        await store.touch("home", "INBOX", NOON + timedelta(minutes=5))
        return await store.cursor("home", "INBOX")

    assert with_store(path, steps) == Cursor(7, 5, NOON + timedelta(minutes=5))


def test_a_message_that_the_cursor_passed_undecided_is_told(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        run = await store.begin_run("live", RULES)
        arrivals = [message(uid) for uid in (1, 2, 3, 9)]
        await store.see(arrivals, NOON)
        decisions = [Decision(each, failure="plugin") for each in arrivals[:2]]
        decisions.append(Decision(arrivals[2], Plan()))
        await store.commit(run, decisions, cursor(3))
        assert await store.undecided("home", "INBOX", 7) == [1, 2]
        assert await store.undecided("home", "INBOX", 8) == []

    with_store(path, steps)


def test_the_last_report_of_a_watcher_is_kept(path: Path) -> None:
    first = WatchReport("home", "INBOX", "waiting", "connection refused", NOON, NOON)
    last = WatchReport("home", "INBOX", "idle", "", NOON)

    async def steps(store: SqlStore) -> None:
        await store.report_watch(first)
        await store.report_watch(last)
        (mailbox,) = (await store.summary()).mailboxes
        assert mailbox.watch == last
        assert mailbox.cursor is None

    with_store(path, steps)
