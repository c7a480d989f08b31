"""The actions that change where a message is, and how it is marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags
from tests.builders import make_message, plan_for

MESSAGE = make_message(list_id="Py <py.lists.example>")
SEEN, FLAGGED = frozenset({"\\Seen"}), frozenset({"\\Flagged"})


@pytest.mark.parametrize(
    ("then", "effect"),
    [
        ('move = "Lists/python"', FileInto("Lists/python")),
        ('move = "Lists/{list.id}"', FileInto("Lists/py_lists_example")),
        ('move = "Kept {date:%Y}"', FileInto("Kept 2026")),
        ("archive = true", FileInto("Archive")),
        ('archive = "Invoices/{date:%Y}"', FileInto("Archive/Invoices/2026")),
        ('archive = "{from.domain}"', FileInto("Archive/example_org")),
        ('copy = "Kept"', Copy("Kept")),
        ('copy = "{account}/{from.local}"', Copy("home/ann")),
        ('mark = "read"', SetFlags(add=SEEN)),
        ('mark = "unread"', SetFlags(remove=SEEN)),
        ("flag = true", SetFlags(add=FLAGGED)),
        ("unflag = true", SetFlags(remove=FLAGGED)),
        ('label = "urgent"', SetFlags(add=frozenset({"urgent"}))),
        ('label = "$Work"', SetFlags(add=frozenset({"$Work"}))),
        ("delete = true", Delete()),
        ('delete = "forever"', Delete(forever=True)),
    ],
)
def test_an_action_has_its_effect(tmp_path: Path, then: str, effect: Effect) -> None:
    plan = plan_for(tmp_path, 'subject = "hello"', MESSAGE, then)
    assert [planned.effect for planned in plan.effects] == [effect]


def test_none_of_them_needs_the_body(tmp_path: Path) -> None:
    then = 'copy = "A" }, { flag = true }, { unflag = true }, { archive = true'
    message = make_message(full=False)
    assert len(plan_for(tmp_path, 'subject = "hello"', message, then).effects) == 4


def test_check_is_told_which_of_them_need_a_mailbox_and_which_a_keyword() -> None:
    kinds = {name: each.type for name, each in discover_plugins().actions.items()}
    assert {name for name, kind in kinds.items() if kind.on_mailbox} == {
        *("move", "archive", "copy", "delete", "mark", "flag", "unflag", "label")
    }
    assert {name for name, kind in kinds.items() if kind.labels} == {"label"}


@pytest.mark.parametrize(
    ("then", "complaint"),
    [
        ('move = "A/{form.domain}"', "did you mean 'from.domain'?"),
        ('move = "{from.domain}"', 'such as "Senders/{from.domain}"'),
        ("move = true", "expected a text in quotes"),
        ("archive = false", "expected a text in quotes"),
        ('archive = ""', "expected true, or the path of a mailbox"),
        ('archive = "a//b"', "a part between the slashes is empty"),
        ('copy = "{date}"', "a date is written with %Y"),
        ("unflag = false", "the only value is true"),
        ('label = "two words"', "one word in ASCII"),
        ('label = "für"', "one word in ASCII"),
        ('label = "a%"', "without any of ( ) { % *"),
        ('label = "a)"', "without any of"),
        ('label = ""', "one word in ASCII"),
        (f'label = "{"a" * 101}"', "one word in ASCII"),
        ('label = "\\\\Seen"', "is a mark that every mailbox has"),
        ('label = "Read"', "see the actions mark, flag and unflag"),
        ("label = true", "expected a text in quotes"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, then: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, 'subject = "hello"', MESSAGE, then)
    (problem,) = caught.value.problems
    assert problem.key == f"then[1].{then.split()[0]}"
    assert complaint in problem.message
