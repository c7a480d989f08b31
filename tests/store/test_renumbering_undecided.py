"""What was seen and not decided outlives a server that numbers its messages anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.ports import Decision, MessageState
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    RULES,
    cursor,
    decide,
    message,
    plan,
    with_store,
)

SAME = message(50, uidvalidity=8, message_id="<1@example.org>")
"""The message that had UID 1, as it is named now."""


async def carry_over(store: SqlStore, *messages: Message) -> int:
    """For how many of these something went on."""
    return await store.carry_over("home", "inbox", messages)


async def fail_to_decide(store: SqlStore, *messages: Message, final: bool) -> None:
    """See these, and record that they could not be decided."""
    run = await store.begin_run("live", RULES)
    await store.see(messages, NOON)
    failed = [Decision(each, failure="too odd", final=final) for each in messages]
    await store.commit(run, failed, None)


async def states(store: SqlStore) -> dict[tuple[int, int], tuple[str, int, str]]:
    """State, attempts and reason of each message, by its UIDVALIDITY and UID."""
    return {
        (each.key.uidvalidity, each.key.uid): (each.state, each.attempts, each.reason)
        for each in await store.history()
    }


@pytest.mark.parametrize(("final", "state"), [(False, "seen"), (True, "quarantined")])
def test_what_is_undecided_or_in_quarantine_stays_so_with_its_attempts(
    path: Path, final: bool, state: str
) -> None:
    async def steps(store: SqlStore) -> None:
        await fail_to_decide(store, message(1), final=final)
        assert await carry_over(store, SAME) == 1
        await store.give_up_before("home", "INBOX", 8)
        assert await states(store) == {(8, 50): (state, 1, "too odd")}
        assert await carry_over(store, SAME) == 0

    with_store(path, steps)


def test_what_waits_to_be_decided_is_decided_under_its_new_name(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fail_to_decide(store, message(1), final=False)
        await carry_over(store, SAME)
        await store.adopt("home", "INBOX", cursor(50, uidvalidity=8))
        assert await store.undecided("home", "INBOX", 8) == [50]

    with_store(path, steps)


def test_what_waits_to_be_decided_and_is_not_found_again_is_gone(path: Path) -> None:
    elsewhere = message(3, mailbox="News"), message(4, account="work")

    async def steps(store: SqlStore) -> None:
        here = message(1), message(2, uidvalidity=8)
        await fail_to_decide(store, *here, *elsewhere, final=False)
        await store.give_up_before("home", "inbox", 8)
        why = "the server numbered its messages anew, and it was not found again"
        seen = "seen", 1, "too odd"
        assert await states(store) == {
            (7, 1): ("gone", 1, why),
            (8, 2): seen,
            (7, 3): seen,
            (7, 4): seen,
        }
        counts = (await store.summary()).messages["home"]
        assert counts == {MessageState.GONE: 1, MessageState.SEEN: 2}

    with_store(path, steps)


def test_what_is_in_quarantine_and_not_found_again_stays_there(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await fail_to_decide(store, message(1), final=True)
        await store.give_up_before("home", "INBOX", 8)
        assert await states(store) == {(7, 1): ("quarantined", 1, "too odd")}

    with_store(path, steps)


def test_where_the_new_name_has_a_row_what_was_undecided_is_gone(path: Path) -> None:
    """Reading the mailbox anew was begun before, and did not end."""

    async def steps(store: SqlStore) -> None:
        await fail_to_decide(store, message(1), final=False)
        await decide(store, (SAME, plan("k")))
        await carry_over(store, SAME)
        await store.give_up_before("home", "INBOX", 8)
        assert {key: told[0] for key, told in (await states(store)).items()} == {
            (7, 1): "gone",
            (8, 50): "acknowledged",
        }

    with_store(path, steps)
