"""Every recipe of the cookbook, through the reader and `decide` of postroom."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.config.advice import advise
from postroom.config.settings import Settings
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.mail.owner import Owner
from postroom.rules.decide import Circumstances, NeedsBody, decide
from postroom.rules.effects import tell
from postroom.rules.plan import Plan
from postroom.rules.rule import Rule
from tests.architecture import ROOT
from tests.builders import read_rules
from tests.cookbook.page import Letter, Recipe, read_recipes

PAGE = ROOT / "rules.d/COOKBOOK.md"
RECIPES = read_recipes(PAGE)
ALIASES = ("support", "jobs", "family")
OWNER = Owner(
    "home",
    "me@example.org",
    "Me",
    aliases=(*(f"{name}@example.org" for name in ALIASES), "me@old.example"),
)
ACCOUNT = {"address": OWNER.address, "imap": {"host": "imap.example.org"}}
SETTINGS = Settings.model_validate(
    {
        "postroom": {"state": "/nowhere"},
        "account": {OWNER.account: {**ACCOUNT, "watch": ["INBOX", "Junk"]}},
    }
)
TRIALS = [
    pytest.param(recipe, letter, id=f"{recipe.title}: {number}")
    for recipe in RECIPES
    for number, letter in enumerate(recipe.letters, 1)
]


def message_of(letter: Letter, *, full: bool) -> Message:
    """The message as it would lie in INBOX."""
    raw = letter.raw
    return Message(
        key=MessageKey(OWNER.account, letter.mailbox, 1, 1),
        size=letter.size,
        received=letter.received,
        flags=frozenset(),
        header=Header.parse(raw),
        content=raw if full else None,
    )


def plan_of(rules: tuple[Rule, ...], letter: Letter) -> Plan:
    """What is decided, as the daemon does: by the headers alone if they will do."""
    circumstances = Circumstances(OWNER, letter.found)
    try:
        return decide(rules, message_of(letter, full=False), circumstances)
    except NeedsBody:
        return decide(rules, message_of(letter, full=True), circumstances)


def told(plan: Plan) -> str:
    """The effects in the words of `postroom explain`."""
    return "; ".join(tell(planned.effect) for planned in plan.effects) or "nothing"


@pytest.mark.parametrize(("recipe", "letter"), TRIALS)
def test_a_message_comes_to_what_the_cookbook_says(
    tmp_path: Path, recipe: Recipe, letter: Letter
) -> None:
    rules = read_rules(tmp_path, recipe.rules)
    assert told(plan_of(rules, letter)) == letter.expected


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_shows_a_message_it_is_for_and_one_it_is_not_for(
    tmp_path: Path, recipe: Recipe
) -> None:
    rules = read_rules(tmp_path, recipe.rules)
    matched = [plan_of(rules, letter).matched for letter in recipe.letters]
    assert any(matched)
    assert not all(matched)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_every_rule_of_a_recipe_has_a_message_it_is_for(
    tmp_path: Path, recipe: Recipe
) -> None:
    rules = read_rules(tmp_path, recipe.rules)
    asked = [plan_of(rules, letter).matched for letter in recipe.letters]
    assert {rule.name for rule in rules} == {name for names in asked for name in names}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_check_warns_of_no_recipe(tmp_path: Path, recipe: Recipe) -> None:
    rules = read_rules(tmp_path, recipe.rules)
    assert [*advise(rules, SETTINGS)] == []


def test_the_recipes_can_stand_in_one_folder(tmp_path: Path) -> None:
    """No two of their rules have one name, and there are as many as were promised."""
    rules = read_rules(tmp_path, "\n".join(recipe.rules for recipe in RECIPES))
    assert len(rules) >= len(RECIPES) >= 25
    headings = [line for line in PAGE.read_text().splitlines() if line[:3] == "## "]
    assert len(headings) == len(RECIPES)


def test_the_page_says_whose_addresses_these_are() -> None:
    """A reply is only given to what was written to an address of the owner's."""
    introduction = PAGE.read_text().partition("\n## ")[0]
    for address in (OWNER.address, *OWNER.aliases):
        assert f"{address}" in introduction
