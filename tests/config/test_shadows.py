"""A rule that no message comes to is told of, with the rule that takes them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.folder import warnings, write_rule

MOVE = "[{ move = 'A' }]"
FLAG = "[{ flag = true }]"
TOLD = (
    "rule 'late': it can never match: rule 'early' before it takes every message that "
    "would fit, and ends the run"
)


def told(folder: Path, early: str, late: str, then: str = MOVE) -> list[str]:
    rules = write_rule(early, "early", then) + write_rule(late, "late")
    return warnings(folder, rules)


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("", "when.from = 'a'"),
        ("", ""),
        ("when.from = 'a'", "when.from = 'a'"),
        ("when.from = 'a'", "when = { subject = 'b', from = 'a' }"),
        (
            "when.all = [{ from = 'a' }, { to = 'b' }]",
            "when = { to = 'b', from = 'a' }",
        ),
        ("when.not.from = 'a'", "when = { not.from = 'a', to = 'b' }"),
        ("accounts = ['home']", "accounts = ['home']\nmailboxes = ['Lists']"),
        ("accounts = ['home', 'work']", ""),
        ("mailboxes = ['INBOX', 'Lists']", ""),
        ("mailboxes = ['INBOX']", "accounts = ['work']"),
    ],
)
def test_a_rule_behind_one_that_takes_more_is_shadowed(
    tmp_path: Path, early: str, late: str
) -> None:
    assert told(tmp_path, early, late) == [TOLD]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("when.from = 'a'", ""),
        ("when.from = 'a'", "when.from = 'b'"),
        ("when.from = 'a'", "when.to = 'a'"),
        ("when = { from = 'a', to = 'b' }", "when.from = 'a'"),
        ("when.from = 'a'", "when.any = [{ from = 'a' }, { to = 'b' }]"),
        ("when.from = 'a'", "when.from = { contains = 'a', case = true }"),
        ("accounts = ['home']", ""),
        ("mailboxes = ['INBOX']", "accounts = ['home']"),
        ("enabled = false", ""),
        ("stop = false", ""),
        ("", "enabled = false"),
        ("on = { every = '1h' }\nmailboxes = ['INBOX']", ""),
    ],
)
def test_a_rule_that_something_may_come_to_is_not(
    tmp_path: Path, early: str, late: str
) -> None:
    assert TOLD not in told(tmp_path, early, late)


@pytest.mark.parametrize(
    ("stop", "then", "ends"),
    [
        ("", FLAG, False),
        ("stop = true", FLAG, True),
        ("stop = true", MOVE, True),
        ("stop = false", MOVE, False),
        ("", "[{ delete = true }]", True),
        ("", "[{ flag = true }, { stop = true }]", True),
        ("stop = false", "[{ stop = true }]", True),
    ],
)
def test_only_what_ends_the_run_shadows(
    tmp_path: Path, stop: str, then: str, ends: bool
) -> None:
    assert told(tmp_path, stop, "", then) == ([TOLD] if ends else [])


def test_the_first_that_takes_them_is_named_and_a_shadowed_one_shadows_nothing(
    tmp_path: Path,
) -> None:
    rules = "".join(
        [
            write_rule("when.to = 'x'", "other", MOVE),
            write_rule("when.from = 'a'", "early", MOVE),
            write_rule("when.from = 'a'", "again", MOVE),
            write_rule("when.from = 'a'", "late", MOVE),
        ]
    )
    first, second = warnings(tmp_path, rules)
    assert first == TOLD.replace("'late'", "'again'")
    assert second == TOLD
