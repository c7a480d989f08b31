"""Many rules are cheap: only those that can match are asked, and none is missed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.message import Message
from postroom.rules.clues import Clue
from postroom.rules.condition import Condition
from postroom.rules.decide import decide
from postroom.rules.index import Index
from postroom.rules.logic import Named
from postroom.rules.rule import Rule
from postroom_filter import Subject
from tests.builders import CIRCUMSTANCES, make_message, make_raw, read_rules


def many(folder: Path, count: int = 1000) -> tuple[Rule, ...]:
    """So many rules: on subjects, addresses, lists and headers, each for its own."""
    kinds = (
        'subject = "order {n} of"',
        'from = "shop{n}@example.org"',
        'from = "@shop{n}.example"',
        'list = "list{n}.example"',
        "subject = '/ticket-{n}\\b/'",
        'header = {{ X-Project = "project {n}" }}',
        'any = [{{ subject = "*sale {n}*" }}, {{ to = "me+{n}@ours.example" }}]',
        'subject = "news", cc = "cc{n}@example.org"',
    )
    return read_rules(
        folder,
        "\n".join(
            f'[[rule]]\nname = "{number}"\n'
            f"when = {{ {kinds[number % len(kinds)].format(n=number)} }}\n"
            f"then = [{{ flag = true }}]\n"
            for number in range(count)
        ),
    )


def names(rules: Sequence[Rule]) -> list[str]:
    """The names of these rules."""
    return [rule.name for rule in rules]


@pytest.mark.parametrize(
    ("fields", "matched"),
    [
        ({"subject": "Hello"}, []),
        ({"subject": "Your ORDER 8 of today"}, ["8"]),
        ({"from": "Shop <shop9@example.org>"}, ["9"]),
        ({"from": "x@shop10.example"}, ["10"]),
        ({"list_id": "A list <list11.example>"}, ["11"]),
        ({"subject": "on ticket-12 again"}, ["12"]),
        ({"x_project": "the project 13 is done"}, ["13"]),
        ({"subject": "Summer sale 14 begins"}, ["14"]),
        ({"to": "me+14@ours.example"}, ["14"]),
        ({"subject": "news", "cc": "cc15@example.org"}, ["15"]),
        ({"subject": "order 8 of", "from": "a@shop10.example"}, ["8", "10"]),
    ],
)
def test_of_a_thousand_rules_only_those_that_can_match_are_asked(
    tmp_path: Path, fields: dict[str, str], matched: list[str]
) -> None:
    index = Index(many(tmp_path))
    message = make_message(make_raw(**fields), full=False)
    possible = index.possible(message)
    plan = decide(possible, message, CIRCUMSTANCES)
    assert list(plan.matched) == matched
    asked = [asked for entry in plan.trace for asked in entry.conditions]
    # "news" alone is a clue of 125 rules, and the only wide one here.
    wide = 125 if "news" in fields.get("subject", "") else 0
    assert len(asked) <= len(matched) + 12 + 2 * wide
    assert list(decide(index.rules, message, CIRCUMSTANCES).matched) == matched


def test_what_has_nothing_to_go_by_is_always_asked(tmp_path: Path) -> None:
    rules = read_rules(
        tmp_path,
        """
        [[rule]]
        name = "all"
        then = [{ flag = true }]
        [[rule]]
        name = "not"
        when.not.subject = "never"
        then = [{ flag = true }]
        [[rule]]
        name = "either"
        when.any = [{ subject = "never" }, { size = 1 }]
        then = [{ flag = true }]
        [[rule]]
        name = "clued"
        when = { size = 1, subject = "never" }
        then = [{ flag = true }]
        """,
    )
    index = Index(rules, few=0)
    assert names(index.possible(make_message())) == ["all", "not", "either"]


def test_of_few_rules_all_are_asked_so_that_the_trace_tells_of_each(
    tmp_path: Path,
) -> None:
    rules = many(tmp_path, 30)
    assert len(Index(rules).possible(make_message())) == 30
    assert Index(many(tmp_path, 31)).possible(make_message()) == []


words = st.sampled_from(
    ["hello", "HELLO", "Straße", "strasse", "İx", "news", "ﬁn", "a*", "?", "/b/", ""]
)


@given(patterns=st.lists(words.filter(bool), min_size=1, max_size=4), text=words)
def test_no_rule_that_matches_is_passed_over(patterns: list[str], text: str) -> None:
    rules = [
        Rule(str(n), Named("subject", Subject.model_validate(pattern)))
        for n, pattern in enumerate(patterns)
    ]
    message = make_message(subject=f"x {text} y", full=False)
    matching = decide(rules, message, CIRCUMSTANCES).matched
    assert set(matching) <= set(names(Index(rules, few=0).possible(message)))


class Broken(Condition):
    """Fails to tell its clue, or tells nonsense."""

    depth = "headers"
    says: str = ""

    def holds(self, message: Message) -> bool:
        """It does."""
        return True

    def clue(self) -> Clue | None:
        """It fails."""
        if self.says:
            return self.says  # type: ignore[return-value] # as a careless plugin might
        raise ZeroDivisionError


@pytest.mark.parametrize("says", ["", "nonsense"])
def test_a_rule_whose_clue_fails_is_asked_always(says: str) -> None:
    rule = Rule("it", Named("broken", Broken(says=says), "acme"))
    assert names(Index([rule], few=0).possible(make_message())) == ["it"]


def test_the_narrowest_clue_of_a_rule_is_looked_for(tmp_path: Path) -> None:
    """A pattern that fits everything, or needs the body, is no help."""
    rules = read_rules(
        tmp_path,
        """
        [[rule]]
        name = "wide"
        when = { from = "*", body = "a long text", subject = "order" }
        then = [{ flag = true }]
        """,
    )
    index = Index(rules, few=0)
    assert index.possible(make_message(subject="Hello")) == []
    assert index.possible(make_message(subject="order", full=False))


def test_words_of_the_body_are_looked_for_at_once(tmp_path: Path) -> None:
    rules = read_rules(
        tmp_path,
        "\n".join(
            f'[[rule]]\nname = "{n}"\nwhen.body = "word{n} "\n'
            "then = [{ flag = true }]"
            for n in range(100)
        ),
    )
    index = Index(rules)
    raw = make_raw("It says word7 and word42 here.\r\n")
    assert names(index.possible(make_message(raw))) == ["7", "42"]
    assert len(index.possible(make_message(raw, full=False))) == 100
