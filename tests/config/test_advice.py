"""What is allowed and most likely not meant is a warning; what is fine is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import postroom_filing
from postroom import Condition, Message, RegisterCondition, hookimpl
from postroom.hooks.plugins import Plugins
from tests.config.folder import SETTINGS, load_rules, warnings, write_rule

LATE, EARLY = 'zone = "America/Los_Angeles"', 'zone = "Asia/Tokyo"'
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
        "from = 'a', subject = 'b', not = [{ subject = 'b' }, { to = 'c' }]",
        "from = 'a', subject = 'b', not.all = [{ subject = 'b' }, { from = 'a' }]",
        "from = 'a', not.any = [{ from = 'a' }, { to = 'c' }]",
        "all = [{ from = 'a' }, { to = 'b' }], not.from = 'a'",
        "all = [{ size = '1M' }, { size.under = '1M' }]",
        "all = [{ size = { under = '1M' } }, { size = '2M' }]",
        "all = [{ age = '14d' }, { age.under = '2w' }]",
        "all = [{ date = 2026-03-01 }, { date.before = 2026-02-01 }]",
        "all = [{ date = 2026-03-02 }, { date.before = 2026-03-01T09:00:00Z }]",
        "all = [{ date = 2026-03-02T09:00:00 }, { date.before = 2026-03-01 }]",
        f"all = [{{ date = {{ after = 2026-01-02, {LATE} }} }}, "
        f"{{ date = {{ before = 2026-01-02, {EARLY} }} }}]",
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
        f"all = [{{ date = {{ after = 2026-01-02, {EARLY} }} }}, "
        f"{{ date = {{ before = 2026-01-02, {LATE} }} }}]",
        "any = [{ size = { under = '1M' } }, { size = '2M' }]",
        "from = 'a', any = [{ to = 'b', not.from = 'a' }, { to = 'c' }]",
    ],
)
def test_conditions_that_may_hold_together_are_not(tmp_path: Path, when: str) -> None:
    assert warnings(tmp_path, write_rule(f"when = {{ {when} }}")) == []


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


@pytest.mark.parametrize("action", ["redirect", "forward"])
@pytest.mark.parametrize(
    "address", ["me@ours.example", "ME@Ours.example", "i@b.example"]
)
def test_what_is_passed_on_to_its_own_account_is_told_of(
    tmp_path: Path, action: str, address: str
) -> None:
    then = f"[{{ {action} = ['a@b.example', '{address}'] }}]"
    settings = SETTINGS.replace(
        'address = "me@ours.example"',
        'address = "me@ours.example"\naliases = ["i@b.example"]',
    )
    rule = write_rule("accounts = ['home']\nwhen.from = 'a'", then=then)
    (told,) = load_rules(tmp_path, rule, settings=settings).warnings
    assert told.key == f"then[1].{action}"
    assert "is an address of account 'home' itself" in told.message


def test_what_is_passed_on_to_another_account_is_not(tmp_path: Path) -> None:
    rule = write_rule(
        "accounts = ['home']\nwhen.from = 'a'", then="[{ forward = 'me@work.example' }]"
    )
    assert warnings(tmp_path, rule) == []


class Quiet(Condition):
    """It came in quiet hours, from `after` on or until `before`."""

    depth = "headers"
    after: int
    before: int

    def holds(self, message: Message) -> bool:
        """True at night."""
        hour = message.received.hour
        return hour >= self.after or hour < self.before


class Level(Condition):
    """The level is above `above` and below `below`."""

    depth = "headers"
    above: int | None = None
    below: int | None = None

    def holds(self, message: Message) -> bool:
        """Never."""
        return False

    def bounds(self) -> tuple[object, object]:
        """The two."""
        return self.above, self.below


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    register("quiet", Quiet)
    register("level", Level)


@pytest.mark.parametrize(
    ("when", "is_told"),
    [
        ("when.quiet = { after = 22, before = 6 }", False),
        ("when.all = [{ level.above = 6 }, { level.below = 22 }]", False),
        ("when.all = [{ level.above = 22 }, { level.below = 6 }]", True),
    ],
)
def test_only_a_condition_itself_tells_of_its_bounds(
    tmp_path: Path, when: str, is_told: bool
) -> None:
    acme = SimpleNamespace(register_conditions=register_conditions)
    plugins = Plugins([("filing", postroom_filing), ("acme", acme)])
    told = load_rules(tmp_path, write_rule(when), plugins=plugins).warnings
    assert [NEVER.endswith(each.message) for each in told] == [True] * is_told


@pytest.mark.parametrize(
    "when", ["from = 'x', not.weekend = true", "any = [{ weekend = true }]", ""]
)
def test_of_a_rule_that_lacks_something_nothing_else_is_told(
    tmp_path: Path, when: str
) -> None:
    rules = write_rule(f"when = {{ {when} }}", then="[{ shout = true }]")
    rules += write_rule("when.subject = 'x'", name="late")
    remembered = {"condition weekend": "acme", "action shout": "acme"}
    (told,) = load_rules(tmp_path, rules, remembered=remembered).warnings
    assert told.message.startswith("it lacks ")


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (
            '[{ move = "A" }, { archive = true }]',
            "archive is never done: move places the message already",
        ),
        ("[{ flag = true }, { unflag = true }]", "flag and unflag undo each other"),
        (
            '[{ mark = "unread" }, { mark = "read" }]',
            "mark read and mark unread undo each other",
        ),
    ],
)
def test_actions_of_one_rule_that_can_not_both_be_done_are_told_of(
    tmp_path: Path, then: str, told: str
) -> None:
    assert warnings(tmp_path, write_rule(then=then)) == [f"rule 'it': then: {told}"]


def test_actions_that_go_together_are_not(tmp_path: Path) -> None:
    then = '[{ flag = true }, { mark = "read" }, { copy = "B" }, { move = "A" }]'
    assert warnings(tmp_path, write_rule(then=then)) == []
