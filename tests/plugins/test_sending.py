"""The actions that send mail: what they want sent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.mail.message import Message
from postroom.rules.action import Action
from postroom.rules.intents import Forward, Intent, Redirect, Reply
from tests.builders import make_message, plan_for

ACTIONS = discover_plugins().actions


def action(name: str, value: object) -> Action:
    """The action of this name with what stands behind it in a rule file."""
    return ACTIONS[name].type.model_validate(value)


@pytest.mark.parametrize(
    ("name", "value", "intent"),
    [
        ("forward", "a@b.example", Forward(("a@b.example",))),
        ("redirect", "a@b.example", Redirect(("a@b.example",))),
        (
            "redirect",
            ["a@b.example", "c@d.example"],
            Redirect(("a@b.example", "c@d.example")),
        ),
        ("reply", "Thanks.", Reply("Thanks.")),
        (
            "reply",
            {
                "text": "Dear {from.name},\nyour {subject} came.",
                "subject": "Re: {subject}",
                "every": "1d",
                "handle": "away",
            },
            Reply(
                "Dear ann@example.org,\nyour Hello came.",
                "Re: Hello",
                timedelta(days=1),
                "away",
            ),
        ),
    ],
)
def test_an_action_wants_something_sent(
    name: str, value: object, intent: Intent
) -> None:
    assert list(action(name, value).effects(make_message())) == [intent]


def test_a_value_adds_no_line_to_an_answer() -> None:
    raw = b"From: =?utf-8?q?a=0D=0ABcc=3A_x?= <a@b.example>\r\n\r\n"
    message: Message = make_message(raw)
    wanted = action("reply", {"text": "Dear {from.name}", "subject": "{from.name}"})
    (intent,) = wanted.effects(message)
    assert intent == Reply("Dear a Bcc: x", "a Bcc: x")


@pytest.mark.parametrize(
    ("name", "depth"),
    [("forward", "full"), ("redirect", "full"), ("reply", "headers")],
)
def test_they_say_what_they_need(name: str, depth: str) -> None:
    assert ACTIONS[name].type.depth == depth
    assert ACTIONS[name].type.sends


@pytest.mark.parametrize(
    ("then", "key", "complaint"),
    [
        ('redirect = "nobody"', "redirect[1]", "expected an address such as"),
        ("reply = true", "reply", "expected a text in quotes"),
        ('reply = ""', "reply", "expected a text that is not empty"),
        ('reply = "Dear {from.nam}"', "reply", "did you mean 'from.name'?"),
        ('reply = { subject = "x" }', "reply.text", "it is required"),
        ('reply = { text = "x", handle = " " }', "reply", "the handle is blank"),
        ('reply = { text = "x", every = "1h" }', "reply.every", "one day to sixty"),
        ('reply = { text = "x", every = "61d" }', "reply.every", "one day to sixty"),
        ('reply = { text = "x", every = 7 }', "reply.every", "expected a time such as"),
        ('reply = { text = "x", subject = "a\\nb" }', "reply.subject", "one line"),
        ('reply = { text = "x", period = "7d" }', "reply.period", "no key 'period'"),
    ],
)
def test_what_makes_no_sense_is_told(
    tmp_path: Path, then: str, key: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, 'subject = "hello"', make_message(), then)
    (problem,) = caught.value.problems
    assert problem.key == f"then[1].{key}"
    assert complaint in problem.message
