"""The table of faults is whole: each has its test, or says why it has none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LAST = 93
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the table that has a number."""
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@cache
def functions_of(path: Path) -> frozenset[str]:
    """The names of the functions of a file; none if there is no such file."""
    if not path.exists():
        return frozenset()
    body = ast.parse(path.read_text()).body
    kinds = ast.FunctionDef, ast.AsyncFunctionDef
    return frozenset(each.name for each in body if isinstance(each, kinds))


def mistakes(text: str) -> list[str]:
    """What is wrong with such a table."""
    found = rows(text)
    numbers = [row[0] for row in found]
    wrong = [
        f"{n}: {numbers.count(str(n))} rows"
        for n in range(1, LAST + 1)
        if numbers.count(str(n)) != 1
    ]
    if len(found) > LAST:
        wrong.append(f"{len(found)} rows")
    for row in found:
        wrong += [f"{row[0]}: {why}" for why in mistakes_of(row)]
    return wrong


def mistakes_of(row: list[str]) -> list[str]:
    """What is wrong with a row."""
    if len(row) != 4 or not all(row):
        return ["four cells were expected"]
    shown = row[3]
    named = _NAMED.findall(shown)
    if not named:
        has_reason = re.fullmatch(r"- \w.{10,}\.", shown)
        return [] if has_reason else ["neither a test nor a reason"]
    missing = [
        f"{path}::{test} is not there"
        for path, test in named
        if test not in functions_of(TESTS / path)
    ]
    rest = _NAMED.sub("", shown).strip()
    return missing + ([f"{rest!r} names no test"] if rest else [])


def test_each_fault_has_its_test_or_a_reason() -> None:
    assert mistakes((TESTS / "FAULTS.md").read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("| 28 |", "| 27 |", "28: 0 rows"),
        ("| 93 |", "| 94 |", "93: 0 rows"),
        ("::test_two_uids_of_one_message_are_a_lie", "::test_gone", "is not there"),
        ("- A store is one SQLite file; PostgreSQL is not served yet.", "-", "13: "),
        ("`store/test_lock.py::", "`store/test_luck.py::", "is not there"),
        ("`store/test_lock.py::test_a_second", "test_lock::test_a_second", "no test"),
    ],
)
def test_what_is_wrong_with_the_table_is_found(old: str, new: str, told: str) -> None:
    text = (TESTS / "FAULTS.md").read_text()
    assert old in text
    found = mistakes(text.replace(old, new))
    assert any(told in each for each in found), found
