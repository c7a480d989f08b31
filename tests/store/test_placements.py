"""What postroom put into a mailbox is no arrival there."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import EffectState, MessageState, Placement, Sighting
from postroom.rules.effects import Copy, FileInto
from postroom.store.store import SqlStore
from tests.store.samples import NOON, decide, finish, message, plan, with_store

PLACED = Sighting(MessageState.ACKNOWLEDGED, 0, placed=True)
ARRIVED = Sighting(MessageState.SEEN, 1)


def twin(uid: int, of: int = 1, mailbox: str = "News") -> Message:
    """The same message in another mailbox."""
    return message(
        uid, mailbox=mailbox, uidvalidity=30, message_id=f"<{of}@example.org>"
    )


async def sight(store: SqlStore, arrival: Message) -> Sighting:
    """What the ledger says of this arrival alone."""
    return (await store.see([arrival], NOON))[arrival.key]


@pytest.mark.parametrize("effect", [FileInto("News"), Copy("News")])
def test_the_target_uid_recognises_it(path: Path, effect: FileInto | Copy) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", effect)))
        await finish(store, placement=Placement("News", 30, 5))
        # The UID proves it even if a server reports another size or Message-ID.
        assert await sight(store, message(5, mailbox="News", uidvalidity=30)) == PLACED
        assert await sight(store, twin(6)) == ARRIVED

    with_store(path, steps)


def test_the_fingerprint_recognises_it_before_the_target_uid_is_known(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        (effect,) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([effect.id])
        assert await sight(store, twin(5)) == PLACED

    with_store(path, steps)


def test_the_fingerprint_recognises_it_where_servers_tell_no_uid(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, placement=Placement("News"))
        assert await sight(store, message(4, mailbox="News", uidvalidity=30)) == ARRIVED
        assert await sight(store, twin(5)) == PLACED
        assert await sight(store, twin(6)) == ARRIVED, "one placement, one arrival"

    with_store(path, steps)


def test_the_fingerprint_recognises_it_after_the_target_was_numbered_anew(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, placement=Placement("News", 29, 6))
        assert await sight(store, twin(6, of=2)) == ARRIVED
        assert await sight(store, twin(5)) == PLACED
        assert await sight(store, twin(7)) == ARRIVED, "one placement, one arrival"

    with_store(path, steps)


def test_twins_take_one_placement_each(path: Path) -> None:
    same = message(2, message_id="<1@example.org>")

    async def steps(store: SqlStore) -> None:
        await decide(
            store,
            (message(1), plan("k", FileInto("News"))),
            (same, plan("l", FileInto("News"))),
        )
        seen = await store.see([twin(5), twin(6), twin(7)], NOON)
        assert sorted(each.placed for each in seen.values()) == [False, True, True]

    with_store(path, steps)


def test_a_placement_that_was_claimed_is_only_told_later(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        assert await sight(store, twin(5)) == PLACED
        await finish(store, placement=Placement("News", 30, 5))
        again = await sight(store, twin(5))
        assert again == Sighting(MessageState.ACKNOWLEDGED, 0)

    with_store(path, steps)


def test_a_move_that_failed_placed_nothing(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        await finish(store, EffectState.FAILED)
        assert await sight(store, twin(5)) == ARRIVED

    with_store(path, steps)


def test_a_placement_of_another_account_or_mailbox_is_an_arrival_here(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1), plan("k", FileInto("News"))))
        other = message(
            5,
            account="work",
            mailbox="News",
            uidvalidity=30,
            message_id="<1@example.org>",
        )
        assert await sight(store, other) == ARRIVED
        assert await sight(store, twin(5, mailbox="Old")) == ARRIVED

    with_store(path, steps)


def test_a_move_is_recognised_in_either_form_of_its_accents(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        for uid, target in enumerate(("Caf\u00e9", "Cafe\u0301"), 1):
            await decide(store, (message(uid), plan(f"k{uid}", FileInto(target))))
            assert await sight(store, twin(uid, uid, mailbox="Cafe\u0301")) == PLACED

    with_store(path, steps)


def test_a_move_to_inbox_in_any_case_is_recognised(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await decide(store, (message(1, mailbox="News"), plan("k", FileInto("inbox"))))
        assert await sight(store, twin(5, mailbox="INBOX")) == PLACED

    with_store(path, steps)
