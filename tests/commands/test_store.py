"""`postroom store` copies, checks, prunes and erases, whether a daemon runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.ports import DeliveryState
from postroom.rules.effects import Send
from postroom.store.integrity import find_faults
from postroom.store.store import SqlStore
from tests.commands.attended import run_attended, store_of, with_store
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import decide, deliver, message, outgoing, plan

Run = Callable[..., Ended]


@pytest.fixture(params=["attended", "alone"])
def run(request: pytest.FixtureRequest, workplace: Workplace) -> Run:
    """Runs a command while a daemon runs, or with a store that nobody has."""
    if request.param == "alone":
        return workplace.run
    return lambda *arguments: run_attended(workplace, *arguments)


def send(workplace: Workplace, *, delivered: bool = True) -> None:
    """Have something sent to Ann."""

    async def steps(store: SqlStore) -> None:
        sent = Send(outgoing("ann@example.org"))
        await decide(store, (message(1), plan("k", sent)))
        if delivered:
            due = await store.due(datetime.now(UTC), 1)
            await deliver(store, due, DeliveryState.DELIVERED)
        else:
            await store.hold_deliveries([1], "wait")

    with_store(workplace, steps)


def grow_old(workplace: Workplace) -> None:
    """Have all of it be two years older."""
    changes = {
        "message": "updated",
        "effect": "updated",
        "delivery": "updated",
        "content": "created",
    }
    with closing(sqlite3.connect(store_of(workplace))) as connection, connection:
        for table, column in changes.items():
            years = 2 * 365 * 86400 * 10**6
            connection.execute(f"UPDATE {table} SET {column} = {column} - {years}")


def test_a_backup_says_what_it_holds(
    workplace: Workplace, run: Run, tmp_path: Path
) -> None:
    send(workplace)
    copy = tmp_path / "copy.db"
    done = run("store", "backup", copy)
    assert done.code == 0
    assert "1 messages, 1 deliveries" in done.out
    assert find_faults(copy) == []
    again = run("store", "backup", copy)
    assert again.code == 1
    assert "--replace writes over it" in again.err
    told = run("store", "backup", copy, "--replace", "--json").data
    assert (told["messages"], told["octets"]) == (1, copy.stat().st_size)


def test_a_check_finds_nothing_or_all_of_it(workplace: Workplace, run: Run) -> None:
    send(workplace)
    done = run("store", "check")
    assert (done.code, done.out) == (0, f"{store_of(workplace)}: sound\n")
    with closing(sqlite3.connect(store_of(workplace))) as connection, connection:
        connection.execute("DELETE FROM attempt")
    done = run("store", "check")
    assert done.code == 1
    assert "a delivery went out without an attempt: 1" in done.out
    assert "store backup" in done.out
    told = run("store", "check", "--json")
    assert (told.code, len(told.data["faults"])) == (1, 1)


def test_what_is_old_is_counted_and_forgotten(workplace: Workplace, run: Run) -> None:
    send(workplace)
    grow_old(workplace)
    counted = run("store", "prune", "--dry-run", "--json").data
    assert (counted["messages"], counted["contents"]) == (1, 1)
    done = run("store", "prune")
    assert done.code == 0
    octets = counted["octets"]
    assert f"forgotten: what was done with 1 messages, and 1 contents of {octets}" in (
        done.out
    )
    again = run("store", "prune", "--json").data
    assert (again["messages"], again["contents"]) == (0, 0)
    assert find_faults(store_of(workplace)) == []


def test_by_the_settings_it_is_kept_for_longer(workplace: Workplace) -> None:
    send(workplace)
    grow_old(workplace)
    settings = workplace.settings.read_text()
    own = '[postroom]\nkeep_content = "1y"\nkeep_ledger = "9y"'
    workplace.settings.write_text(settings.replace("[postroom]", own))
    told = workplace.run("store", "prune", "--json").data
    assert (told["messages"], told["contents"]) == (0, 1)


def test_an_address_is_counted_and_erased(workplace: Workplace, run: Run) -> None:
    send(workplace)
    counted = run("store", "erase", "ann@example.org", "--dry-run")
    assert "would erase ann@example.org: 1 effect, 1 delivery, 1 content" in counted.out
    refused = run("store", "erase", "ann@example.org")
    assert refused.code == 1
    assert "say --yes" in refused.err
    done = run("store", "erase", "ann@example.org", "--yes")
    assert done.code == 0
    assert "your backups" in done.out
    assert b"ann@example.org" not in store_of(workplace).read_bytes()
    told = run("store", "erase", "ann@example.org", "--yes", "--json").data
    assert told == {"erased": {}}


def test_what_is_open_is_not_erased(workplace: Workplace, run: Run) -> None:
    send(workplace, delivered=False)
    done = run("store", "erase", "ann@example.org", "--yes")
    assert done.code == 1
    assert "postroom outbox drop 1" in done.err
    told = run("store", "erase", "ann@example.org", "--dry-run", "--json").data
    assert told["open"]["deliveries"] == [1]


@pytest.mark.parametrize(
    "line", [("backup", "x.db"), ("check",), ("prune",), ("erase", "a@b.example")]
)
def test_without_a_store_there_is_nothing_to_do(
    workplace: Workplace, line: tuple[str, ...]
) -> None:
    done = workplace.run("store", *line)
    assert done.code == 1
    assert "nothing was run yet" in done.err


def test_what_is_no_address_is_not_looked_for(workplace: Workplace) -> None:
    send(workplace)
    done = workplace.run("store", "erase", "ann", "--yes")
    assert done.code == 1
    assert "expected an address" in done.err


def test_a_damaged_store_stops_the_daemon_with_words(workplace: Workplace) -> None:
    send(workplace)
    path = store_of(workplace)
    path.write_bytes(path.read_bytes()[:100] + b"\xaa" * 50_000)
    before = path.read_bytes()
    done = workplace.run("run", "--once")
    assert done.code == 1
    assert "is damaged" in done.err
    assert "postroom store check" in done.err
    assert path.read_bytes() == before
