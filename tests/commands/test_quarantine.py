"""`postroom quarantine` shows what could not be decided, and has it go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postroom.ports import Decision
from postroom.ports.stages import (
    NO_BODY,
    NO_HEADER_ANEW,
    NOT_FETCHED,
    NOT_GIVEN,
)
from postroom.store.store import SqlStore
from tests.commands.attended import run_attended, with_store
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import RULES, message

NASTY = "it failed [/] \x1b]0;owned\x07"
CLEAN = "it failed [/] \\x1b]0;owned\\x07"


@pytest.fixture
def ids(workplace: Workplace) -> list[int]:
    """The numbers of two messages in quarantine."""

    async def run(store: SqlStore) -> list[int]:
        number = await store.begin_run("live", RULES)
        messages = [message(uid) for uid in (7, 8)]
        await store.see(messages, datetime.now(UTC))
        wrong = [Decision(each, failure=NASTY, final=True) for each in messages]
        await store.commit(number, wrong, None)
        return sorted(each.id for each in await store.quarantined())

    return with_store(workplace, run)


@pytest.fixture(params=["attended", "alone"])
def run(request: pytest.FixtureRequest, workplace: Workplace) -> Callable[..., Ended]:
    """Runs a command while a daemon runs, or with a store that nobody has."""
    if request.param == "alone":
        return workplace.run
    return lambda *arguments: run_attended(workplace, *arguments)


def left(workplace: Workplace) -> list[int]:
    """The numbers of those that are still in quarantine."""
    found = with_store(workplace, lambda store: store.quarantined())
    return sorted(each.id for each in found)


def test_the_list_says_which_and_why(workplace: Workplace, ids: list[int]) -> None:
    done = workplace.run("quarantine", "list")
    assert done.code == 0
    (line,) = [each for each in done.out.splitlines() if "UID 7" in each]
    assert line.split()[0] == str(ids[0])
    assert "<7@example.org>" in line
    assert CLEAN in line
    data = workplace.run("quarantine", "list", "--json").data
    assert {each["key"]["uid"] for each in data} == {7, 8}


def test_one_is_shown(workplace: Workplace, ids: list[int]) -> None:
    done = workplace.run("quarantine", "show", str(ids[0]))
    assert "home/INBOX UID 7" in done.out
    assert CLEAN in done.out
    data = workplace.run("quarantine", "show", str(ids[0]), "--json").data
    assert data["reason"] == NASTY
    assert data["stage"] == "deciding"
    assert workplace.run("quarantine", "show", "4711").code == 1


def test_those_released_are_decided_anew(
    workplace: Workplace, ids: list[int], run: Callable[..., Ended]
) -> None:
    done = run("quarantine", "release", str(ids[0]))
    assert (done.code, done.out) == (0, f"released: {ids[0]}\n")
    assert left(workplace) == ids[1:]


def test_programs_are_told_what_was_released(
    workplace: Workplace, ids: list[int], run: Callable[..., Ended]
) -> None:
    done = run("quarantine", "release", str(ids[0]), "--json")
    assert (done.code, done.data) == (0, {"released": [ids[0]]})
    assert left(workplace) == ids[1:]


@pytest.mark.parametrize("reason", [NO_HEADER_ANEW, NOT_GIVEN, NO_BODY, NOT_FETCHED])
def test_one_that_could_not_be_read_is_told_from_one_that_could_not_be_decided(
    workplace: Workplace, reason: str
) -> None:
    async def run(store: SqlStore) -> int:
        number = await store.begin_run("live", RULES)
        await store.see([message(7)], datetime.now(UTC))
        unread = Decision(message(7), failure=f"{reason}: so it said", final=True)
        await store.commit(number, [unread], None)
        return (await store.quarantined())[0].id

    id_ = str(with_store(workplace, run))
    shown = workplace.run("quarantine", "show", id_)
    assert "stage" in shown.out
    assert workplace.run("quarantine", "show", id_, "--json").data["stage"] == "reading"


def test_all_are_released_or_none(
    workplace: Workplace, ids: list[int], run: Callable[..., Ended]
) -> None:
    done = run("quarantine", "release", *map(str, ids), "4711")
    assert done.code == 1
    assert "4711" in done.err
    assert left(workplace) == ids


def test_an_empty_quarantine_is_told(workplace: Workplace) -> None:
    assert left(workplace) == []
    assert workplace.run("quarantine", "list").out == "nothing is in quarantine\n"
