"""`postroom outbox` shows what is to be sent, and does with it what its owner wants."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postroom.ports import DeliveryResult, DeliveryState, Receipt
from postroom.rules.effects import Send
from postroom.store.store import SqlStore
from tests.commands.attended import run_attended, with_store
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import decide, message, outgoing, plan

Run = Callable[..., Ended]

PEOPLE = ("ann@example.org", "bob@example.org", "cat@example.org")
NASTY = "[/] \x1b]0;owned\x07"
CLEAN = "[/] \\x1b]0;owned\\x07"


@pytest.fixture
def ids(workplace: Workplace) -> dict[str, int]:
    """Deliveries: ann's is held, bob's failed, cat's was delivered; by their names."""

    async def run(store: SqlStore) -> dict[str, int]:
        await decide(store, (message(1), plan("a", Send(outgoing(*PEOPLE)))))
        due = await store.due(datetime.now(UTC), 9)
        ann, bob, cat = (each.id for each in due)
        await store.mark_sending([bob, cat])
        failed = Receipt(DeliveryState.FAILED, 550, NASTY)
        delivered = Receipt(DeliveryState.DELIVERED, 250, "fine")
        await store.settle(
            [DeliveryResult(bob, failed), DeliveryResult(cat, delivered)]
        )
        await store.hold_deliveries([ann], "held by its owner")
        return {"ann": ann, "bob": bob, "cat": cat}

    return with_store(workplace, run)


@pytest.fixture(params=["attended", "alone"])
def run(
    request: pytest.FixtureRequest, workplace: Workplace, ids: dict[str, int]
) -> Run:
    """Runs a command while a daemon runs, or with a store that nobody has."""
    if request.param == "alone":
        return workplace.run
    return lambda *arguments: run_attended(workplace, *arguments)


def states(workplace: Workplace) -> dict[str, DeliveryState]:
    """The state of each delivery, by the name of whom it is for."""
    found = with_store(workplace, lambda store: store.list_deliveries())
    return {each.recipient[:3]: each.state for each in found}


def test_the_list_has_what_is_open(workplace: Workplace, ids: dict[str, int]) -> None:
    done = workplace.run("outbox", "list")
    assert done.code == 0
    lines = {line.split()[2][:3]: line for line in done.out.splitlines()[1:]}
    assert lines.keys() == {"ann", "bob"}
    assert lines["ann"].split()[:2] == [str(ids["ann"]), "held"]
    assert lines["bob"].split()[:2] == [str(ids["bob"]), "failed"]
    assert f"550 {CLEAN}" in lines["bob"]
    assert "cat@example.org" in workplace.run("outbox", "list", "--all").out


def test_the_list_for_programs(workplace: Workplace, ids: dict[str, int]) -> None:
    listed = {
        each["id"]: each for each in workplace.run("outbox", "list", "--json").data
    }
    bob = listed[ids["bob"]]
    assert (bob["state"], bob["code"], bob["reply"]) == ("failed", 550, NASTY)
    assert bob["message"]["mailbox"] == "INBOX"
    assert datetime.fromisoformat(bob["created"]) <= datetime.now(UTC)


def test_that_the_settings_hold_all_of_it_is_told_first(
    workplace: Workplace, ids: dict[str, int]
) -> None:
    text = workplace.settings.read_text()
    workplace.settings.write_text(text.replace("[postroom]", "[postroom]\nhold = true"))
    first, *_ = workplace.run("outbox", "list").out.splitlines()
    assert first.startswith("hold = true in the settings: ")


def test_an_empty_outbox_is_told(workplace: Workplace) -> None:
    with_store(workplace, lambda store: store.holds())
    assert workplace.run("outbox", "list").out == "the outbox is empty\n"
    assert workplace.run("outbox", "list", "--json").data == []


def test_before_the_first_run_there_is_none(workplace: Workplace) -> None:
    for command in (["list"], ["show", "1"], ["retry", "1"]):
        done = workplace.run("outbox", *command)
        assert done.code == 1
        assert "nothing was run yet" in done.err
    assert not (workplace.folder / "state").exists()


def test_a_delivery_is_shown_with_its_attempts(
    workplace: Workplace, ids: dict[str, int]
) -> None:
    done = workplace.run("outbox", "show", str(ids["bob"]))
    assert done.code == 0
    assert "bob@example.org" in done.out
    assert "rule 'Invoices', through the relay of home" in done.out
    assert "home/INBOX UID 1" in done.out
    assert done.out.count(f"550 {CLEAN}") == 2  # of the delivery, and of the attempt
    assert "Subject: x" in done.out
    data = workplace.run("outbox", "show", str(ids["bob"]), "--json").data
    assert [each["outcome"] for each in data["tried"]] == ["failed"]


def test_there_may_be_none_of_a_number(workplace: Workplace, run: Run) -> None:
    assert workplace.run("outbox", "show", "4711").code == 1
    done = run("outbox", "retry", "4711")
    assert done.code == 1
    assert done.err.startswith("delivery 4711: ")


def test_what_failed_is_tried_again(
    workplace: Workplace, run: Run, ids: dict[str, int]
) -> None:
    done = run("outbox", "retry", "--failed")
    assert (done.code, done.out) == (0, f"tried now: {ids['bob']}\n")
    assert states(workplace)["bob"] is not DeliveryState.FAILED
    assert states(workplace)["ann"] is DeliveryState.HELD


def test_what_was_done_is_told_beside_what_was_not(
    workplace: Workplace, run: Run, ids: dict[str, int]
) -> None:
    done = run("outbox", "retry", str(ids["ann"]), str(ids["cat"]))
    assert done.code == 1
    assert done.out == f"tried now: {ids['ann']}\n"
    assert done.err.startswith(f"delivery {ids['cat']}: ")
    assert states(workplace)["ann"] is not DeliveryState.HELD
    assert states(workplace)["cat"] is DeliveryState.DELIVERED


def test_what_waits_is_held(workplace: Workplace, ids: dict[str, int]) -> None:
    assert workplace.run("outbox", "retry", "--held").code == 0
    assert states(workplace)["ann"] is DeliveryState.QUEUED
    done = workplace.run("outbox", "hold", "--waiting")
    assert (done.code, done.out) == (0, f"held: {ids['ann']}\n")
    assert states(workplace)["ann"] is DeliveryState.HELD


def test_what_is_dropped_is_never_sent(
    workplace: Workplace, run: Run, ids: dict[str, int]
) -> None:
    done = run("outbox", "drop", "--yes", "--failed", "--held")
    assert done.code == 0
    dropped = {DeliveryState.WITHDRAWN}
    assert {states(workplace)[name] for name in ("ann", "bob")} == dropped


def test_nothing_is_dropped_where_nobody_can_be_asked(
    workplace: Workplace, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = workplace.run("outbox", "drop", str(ids["ann"]))
    assert (done.code, done.out) == (1, "")
    assert "say --yes" in done.err
    assert states(workplace)["ann"] is DeliveryState.HELD


@pytest.mark.parametrize(
    ("said", "state"),
    [("y", DeliveryState.WITHDRAWN), ("", DeliveryState.HELD)],
    ids=["yes", "nothing"],
)
def test_a_person_is_asked_first(
    workplace: Workplace,
    ids: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    state: DeliveryState,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(f"{said}\n"))
    done = workplace.run("outbox", "drop", str(ids["ann"]))
    assert f"drop {ids['ann']}: they will never be sent. Sure? [y/N]" in done.out
    assert states(workplace)["ann"] is state


def test_it_must_be_said_which(workplace: Workplace, ids: dict[str, int]) -> None:
    for command in ("retry", "hold", "drop"):
        assert workplace.run("outbox", command).code == 2
