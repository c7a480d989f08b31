"""An account is known by its login, whatever it is called in the settings."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from postroom.store.store import SqlStore
from tests.store.samples import cursor, with_store

ANN = "ann@imap.example.org"
BOB = "bob@imap.example.org"
EVE = "eve@imap.example.org"

Settings = Mapping[str, str]


def accounts(path: Path) -> dict[int, tuple[str, str | None]]:
    """Name and login of each account, by its row."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT id, name, identity FROM account").fetchall()
    return {row: (name, identity) for row, name, identity in found}


def recognise(path: Path, *settings: Settings) -> dict[str, str]:
    """What starting with each of these settings tells in the end."""

    async def steps(store: SqlStore) -> dict[str, str]:
        told = [await store.recognise(each) for each in settings]
        return told[-1]

    return with_store(path, steps)


def test_the_logins_of_new_accounts_are_noted(path: Path) -> None:
    assert recognise(path, {"home": ANN, "work": BOB}) == {}
    assert accounts(path) == {1: ("home", ANN), 2: ("work", BOB)}


@pytest.mark.parametrize(
    ("before", "now", "told", "rows"),
    [
        pytest.param(
            {"home": ANN},
            {"private": ANN},
            {"private": "home"},
            {1: ("private", ANN)},
            id="renamed",
        ),
        pytest.param(
            {"home": ANN}, {"home": BOB}, {}, {1: ("home", BOB)}, id="another host"
        ),
        pytest.param(
            {"home": ANN, "work": BOB},
            {"home": BOB, "work": ANN},
            {"home": "work", "work": "home"},
            {1: ("work", ANN), 2: ("home", BOB)},
            id="exchanged",
        ),
        pytest.param(
            {"a": ANN, "b": BOB, "c": EVE},
            {"a": BOB, "b": EVE, "c": ANN},
            {"a": "b", "b": "c", "c": "a"},
            {1: ("c", ANN), 2: ("a", BOB), 3: ("b", EVE)},
            id="all round",
        ),
        pytest.param(
            {"home": ANN},
            {"home": BOB, "private": ANN},
            {"private": "home"},
            {1: ("private", ANN), 2: ("home", BOB)},
            id="renamed, and the name is another's now",
        ),
        pytest.param(
            {"home": ANN, "work": BOB},
            {"home": BOB},
            {"home": "work"},
            {1: ("home~1", ANN), 2: ("home", BOB)},
            id="the name was that of one that is gone",
        ),
        pytest.param(
            {"home": ANN, "work": BOB},
            {"work": BOB},
            {},
            {1: ("home", ANN), 2: ("work", BOB)},
            id="one is gone",
        ),
        pytest.param(
            {"a": ANN, "b": ANN},
            {"c": ANN},
            {"c": "a"},
            {1: ("c", ANN), 2: ("b", ANN)},
            id="two rows for one name",
        ),
        pytest.param(
            {"a": ANN},
            {"c": ANN, "b": ANN},
            {"c": "a"},
            {1: ("c", ANN), 2: ("b", ANN)},
            id="two names for one row",
        ),
        pytest.param(
            {"a": ANN, "b": ANN},
            {"c": ANN, "a": ANN},
            {"c": "b"},
            {1: ("a", ANN), 2: ("c", ANN)},
            id="one of two with the same login",
        ),
        pytest.param(
            {"a": ANN, "b": ANN},
            {"b": ANN, "a": ANN},
            {},
            {1: ("a", ANN), 2: ("b", ANN)},
            id="two with the same login, in another order",
        ),
        pytest.param(
            {"a": ANN, "b": BOB},
            {"a": EVE, "b": ANN},
            {"b": "a"},
            {1: ("b", ANN), 2: ("b~2", BOB), 3: ("a", EVE)},
            id="one login moved on, one is new, one is gone",
        ),
    ],
)
def test_the_login_decides_then_the_name(
    path: Path,
    before: Settings,
    now: Settings,
    told: Mapping[str, str],
    rows: Mapping[int, tuple[str, str]],
) -> None:
    assert recognise(path, before, now) == told
    assert accounts(path) == rows
    assert recognise(path, now) == {}, "and the next start changes nothing"
    assert accounts(path) == rows


def test_one_that_got_out_of_the_way_comes_back_by_its_login(path: Path) -> None:
    both, one = {"home": ANN, "work": BOB}, {"home": BOB}
    assert recognise(path, both, one, one | {"work": ANN}) == {"work": "home~1"}
    assert accounts(path) == {1: ("work", ANN), 2: ("home", BOB)}


def test_accounts_of_a_store_without_logins_match_by_name(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "INBOX", cursor(1))
        await store.adopt("old", "INBOX", cursor(1))
        assert await store.recognise({"home": ANN, "work": BOB}) == {}

    with_store(path, steps)
    assert accounts(path) == {1: ("home", ANN), 2: ("old", None), 3: ("work", BOB)}
