"""What is allowed and most likely not meant is a warning; what is fine is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.folder import warnings, write_rule

NEVER = "rule 'it': it can never match: its conditions exclude each other"


@pytest.mark.parametrize("pattern", ["'really?'", "{ glob = 'a?b' }", "['x', 'a?']"])
def test_a_lone_question_mark_is_told_of(tmp_path: Path, pattern: str) -> None:
    (told,) = warnings(tmp_path, write_rule(f"when.subject = {pattern}"))
    assert told.startswith("rule 'it': subject: in '")
    assert "the ? means exactly one character" in told
    assert "write { contains = '" in told


@pytest.mark.parametrize(
    "pattern", ["'a?*'", "{ contains = 'why?' }", "'/colou?r/'", "'why'", "'*'"]
)
def test_other_question_marks_are_not(tmp_path: Path, pattern: str) -> None:
    assert warnings(tmp_path, write_rule(f"when.subject = {pattern}")) == []


def test_every_text_of_a_rule_is_looked_at(tmp_path: Path) -> None:
    inside = (
        "when.any = [{ header = { X-A = 'a', X-B = ['b', 'c?'] } }, { from = 'd?' }]"
    )
    told = warnings(tmp_path, write_rule(inside))
    assert [line.split(": ")[1] for line in told] == ["header", "from"]


def test_a_backspace_in_a_regex_was_meant_for_a_word_boundary(tmp_path: Path) -> None:
    (told,) = warnings(tmp_path, write_rule(r'when.subject = "/\bwin\b/"'))
    assert told == (
        r"""rule 'it': subject: between double quotes "\b" is a backspace; write a """
        "regular expression in single quotes, where a backslash stays one"
    )
    assert warnings(tmp_path, write_rule(r"when.subject = '/\bwin\b/'")) == []
    assert warnings(tmp_path, write_rule(r'when.subject = "/a\tb/"')) == []


def test_other_control_characters_in_a_regex_are_told_of(tmp_path: Path) -> None:
    (told,) = warnings(tmp_path, write_rule(r'when.subject = "/a\fb/"'))
    assert "there is a control character in it" in told


@pytest.mark.parametrize(
    "when",
    [
        "from = 'a', not = { from = 'a' }",
        "not = {}",
        "from = 'a', subject = 'b', not = [{ subject = 'b' }, { to = 'c' }]",
        "from = 'a', subject = 'b', not.all = [{ subject = 'b' }, { from = 'a' }]",
        "from = 'a', not.any = [{ from = 'a' }, { to = 'c' }]",
        "all = [{ from = 'a' }, { to = 'b' }], not.from = 'a'",
        "size = { over = '2M', under = '1M' }",
        "size = { over = '1M', under = '1M' }",
        "all = [{ size = { under = '1M' } }, { size = '2M' }]",
        "all = [{ age = '14d' }, { age.under = '2w' }]",
        "all = [{ date = 2026-03-01 }, { date.before = 2026-02-01 }]",
        "from = 'a', any = [{ to = 'b', not.from = 'a' }, { not.from = 'a' }]",
    ],
)
def test_conditions_that_exclude_each_other_are_told_of(
    tmp_path: Path, when: str
) -> None:
    assert NEVER in warnings(tmp_path, write_rule(f"when = {{ {when} }}"))


@pytest.mark.parametrize(
    "when",
    [
        "from = 'a', not = { from = 'b' }",
        "from = 'a', not.all = [{ from = 'a' }, { subject = 'b' }]",
        "size = { over = '1M', under = '2M' }",
        "age = { over = '14d', under = '3w' }",
        "all = [{ date = 2026-03-01 }, { date.before = 2026-03-02 }]",
        "all = [{ date = 2026-03-02 }, { date.before = 2026-03-01T09:00:00Z }]",
        "all = [{ date = 2026-03-02T09:00:00 }, { date.before = 2026-03-01 }]",
        "any = [{ size = { under = '1M' } }, { size = '2M' }]",
        "from = 'a', any = [{ to = 'b', not.from = 'a' }, { to = 'c' }]",
    ],
)
def test_conditions_that_may_hold_together_are_not(tmp_path: Path, when: str) -> None:
    assert warnings(tmp_path, write_rule(f"when = {{ {when} }}")) == []


def test_a_time_without_a_zone_is_not_compared_to_one_with(tmp_path: Path) -> None:
    after, before = "2026-03-02T09:00:00", "2026-03-01T09:00:00Z"
    when = f"when.all = [{{ date.after = {after} }}, {{ date.before = {before} }}]"
    assert warnings(tmp_path, write_rule(when)) == []


@pytest.mark.parametrize(
    "when",
    [
        "body = 'a'",
        "not.body = 'a'",
        "any = [{ body = 'a' }, { from = 'b' }]",
        "all = [{ body = 'a' }, { body = 'b' }]",
    ],
)
def test_a_rule_that_needs_every_body_is_told_of(tmp_path: Path, when: str) -> None:
    (told,) = warnings(tmp_path, write_rule(f"when = {{ {when} }}"))
    assert told.startswith("rule 'it': when: no condition on the headers can keep")


@pytest.mark.parametrize(
    "when",
    [
        "",
        "from = 'a'",
        "body = 'a', from = 'b'",
        "body = 'a', not.from = 'b'",
        "any = [{ body = 'a', from = 'b' }, { to = 'c' }]",
        "not = [{ body = 'a' }, { from = 'b' }]",
    ],
)
def test_a_rule_that_headers_can_answer_is_not(tmp_path: Path, when: str) -> None:
    keys = f"accounts = ['home']\nwhen = {{ {when} }}"
    rule = write_rule(keys, then="[{ forward = 'a@b.example' }]")
    assert warnings(tmp_path, rule) == []


def test_a_rule_at_rest_is_not_looked_at(tmp_path: Path) -> None:
    keys = "enabled = false\nwhen = { from = 'a', not.from = 'a' }"
    assert warnings(tmp_path, write_rule(keys)) == []
