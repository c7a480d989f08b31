"""A rule that no message comes to is told of, with the rule that takes them all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import Field, SecretStr

import postroom_filing
from postroom import Condition, Message, RegisterCondition, hookimpl
from postroom.hooks.plugins import Plugins
from tests.config.folder import load_rules, warnings, write_rule

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


class Known(Condition):
    """The sender knows this secret."""

    depth = "headers"
    secret: SecretStr
    salt: str = Field("", repr=False)

    def holds(self, message: Message) -> bool:
        """Never."""
        return False


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    register("known", Known)


@pytest.mark.parametrize(
    ("early", "late", "is_told"),
    [
        ("'a'", "'a'", True),
        ("'a'", "'b'", False),
        ("{ secret = 'a', salt = 'c' }", "{ secret = 'a', salt = 'c' }", True),
        ("{ secret = 'a', salt = 'c' }", "{ secret = 'a', salt = 'd' }", False),
    ],
)
def test_what_looks_the_same_is_compared(
    tmp_path: Path, early: str, late: str, is_told: bool
) -> None:
    acme = SimpleNamespace(register_conditions=register_conditions)
    plugins = Plugins([("filing", postroom_filing), ("acme", acme)])
    rules = write_rule(f"when.known = {early}", "early", MOVE)
    rules += write_rule(f"when.known = {late}", "late")
    told = load_rules(tmp_path, rules, plugins=plugins).warnings
    assert [TOLD.endswith(each.message) for each in told] == [True] * is_told


def test_a_rule_that_lacks_something_is_not_shadowed(tmp_path: Path) -> None:
    rules = write_rule("when.not.weekend = true", "early", MOVE)
    rules += write_rule("", "all", MOVE) + write_rule("when.weekend = true", "late")
    remembered = {"condition weekend": "acme"}
    told = load_rules(tmp_path, rules, remembered=remembered).warnings
    assert [each.message.partition(" ")[2][:5] for each in told] == ["lacks", "lacks"]
