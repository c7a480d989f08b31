"""Deciding with plugins that fail: each failure is named, with its plugin."""

from __future__ import annotations

import pytest

from postroom.errors import PluginError
from postroom.mail.message import Message
from postroom.rules.action import Action
from postroom.rules.condition import Condition
from postroom.rules.decide import decide
from postroom.rules.effects import Effect
from postroom.rules.logic import Named
from postroom.rules.rule import NamedAction, Rule
from tests.builders import CIRCUMSTANCES, make_message


class Wrong(Condition):
    """Fails."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """Divide by nothing."""
        return 1 / 0 > 1


class Deep(Wrong):
    """Reads the body without having said so."""

    def holds(self, message: Message) -> bool:
        """Look for a word."""
        return "word" in message.text


class WrongAction(Action):
    """Fails, too."""

    depth = "headers"

    def effects(self, message: Message) -> list[Effect]:
        """Look where there is nothing."""
        return [[].pop()]


def test_a_condition_that_fails_is_named() -> None:
    rule = Rule("it", when=Named("wrong", Wrong(), "acme"))
    with pytest.raises(PluginError, match="acme: wrong = true: ZeroDivisionError"):
        decide([rule], make_message(), CIRCUMSTANCES)


def test_a_condition_that_reads_deeper_than_it_said_is_told_so() -> None:
    rule = Rule("it", when=Named("deep", Deep(), "acme"))
    with pytest.raises(PluginError, match="declares depth = 'headers'"):
        decide([rule], make_message(full=False), CIRCUMSTANCES)


def test_an_action_that_fails_is_named() -> None:
    rule = Rule("it", then=(NamedAction("boom", WrongAction(), "acme"),))
    with pytest.raises(PluginError, match="acme: boom in rule 'it': IndexError"):
        decide([rule], make_message(), CIRCUMSTANCES)
