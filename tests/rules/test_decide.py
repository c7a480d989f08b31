"""Deciding: what a rule file says is what is planned, and the trace tells why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from postroom.mail.message import Message
from postroom.rules.decide import NeedsBody, decide
from postroom.rules.effects import (
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
)
from tests.builders import CIRCUMSTANCES, make_message, make_raw, plan_for, read_rules


def effects_of(folder: Path, toml: str, message: Message) -> list[Effect]:
    plan = decide(read_rules(folder, toml), message, CIRCUMSTANCES)
    return [planned.effect for planned in plan.effects]


# -- combinations ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ('subject = "hello"', True),
        ('subject = "bye"', False),
        ('subject = ["bye", "hello"]', True),
        ('subject = "hello", from = "@example.org"', True),
        ('subject = "hello", from = "@x.org"', False),
        ('any = [{ subject = "bye" }, { from = "ann" }]', True),
        ('any = [{ subject = "bye" }, { from = "bob" }]', False),
        ('all = [{ subject = "hello" }, { from = "ann" }]', True),
        ('all = [{ subject = "hello" }, { from = "bob" }]', False),
        ('any = [{ subject = "hello", from = "bob" }, { to = "zzz" }]', False),
        ('not = { subject = "bye" }', True),
        ('not = { subject = "hello" }', False),
        ('not = [{ subject = "bye" }, { from = "bob" }]', True),
        ('not = [{ subject = "bye" }, { from = "ann" }]', False),
        ('not = [{ subject = "hello", from = "bob" }]', True),
        ("not = { any = [{ not = { not = { subject = 'hello' } } }] }", False),
        ('to = "me@ours.example"', True),
        ('header = { Subject = "*" }', True),
        ('header = { subject = "hello", X-None = "*" }', False),
        ('header = { X-None = "*" }', False),
        ('header = { Subject = { is = "HELLO" } }', True),
        ('list = "*"', False),
        ('size = "10M"', False),
        ("size = 10", True),
        ('size = { over = 10, under = "1K" }', True),
        ('size = { under = "10" }', False),
        ('body = "hello."', True),
        ('body = { contains = "Hello", case = true }', True),
        ('body = "/^hello/"', True),
        ('body = "bye"', False),
    ],
)
def test_a_condition_means_what_it_says(
    tmp_path: Path, when: str, matches: bool
) -> None:
    plan = plan_for(tmp_path, when, make_message())
    assert (plan.matched == ("it",)) is matches
    assert bool(plan.effects) is matches


def test_any_list_is_recognised_by_its_id(tmp_path: Path) -> None:
    message = make_message(list_id="The list <python.lists.example>")
    assert plan_for(tmp_path, 'list = "*"', message).matched
    assert plan_for(tmp_path, 'list = "python.lists"', message).matched
    assert not plan_for(tmp_path, 'list = "ruby"', message).matched


def test_any_instance_of_a_field_may_fit(tmp_path: Path) -> None:
    message = make_message(
        make_raw().replace(b"\r\n\r\n", b"\r\nX: 1\r\nX: 2\r\n\r\n", 1)
    )
    assert plan_for(tmp_path, 'header = { x = "2" }', message).matched


def test_a_rule_without_conditions_is_for_every_message(tmp_path: Path) -> None:
    toml = '[[rule]]\nname = "all"\nthen = [{ flag = true }]'
    assert effects_of(tmp_path, toml, make_message()) == [
        SetFlags(add=frozenset({"\\Flagged"}))
    ]


# -- which rules run, and what they do -------------------------------------------------

TWO = """
[[rule]]
name = "first"
then = [{{ {first} }}]
{stop}
[[rule]]
name = "second"
then = [{{ mark = "read" }}]
"""


@pytest.mark.parametrize(
    ("first", "stop", "second_runs"),
    [
        ("flag = true", "", True),
        ("flag = true", "stop = true", False),
        ('move = "A"', "", False),
        ('move = "A"', "stop = false", True),
        ("delete = true", "", False),
        ("stop = true", "", False),
        ('move = "INBOX"', "", False),
    ],
)
def test_what_places_a_message_ends_the_run(
    tmp_path: Path, first: str, stop: str, second_runs: bool
) -> None:
    rules = read_rules(tmp_path, TWO.format(first=first, stop=stop))
    plan = decide(rules, make_message(), CIRCUMSTANCES)
    assert ("second" in plan.matched) is second_runs


def test_the_rest_of_a_rule_that_places_still_runs(tmp_path: Path) -> None:
    toml = """
    [[rule]]
    name = "it"
    then = [{ move = "A" }, { mark = "read" }, { flag = true }]
    """
    effects = effects_of(tmp_path, toml, make_message())
    assert effects[-1] == FileInto("A")
    assert [type(effect) for effect in effects[:-1]] == [SetFlags, SetFlags]


def test_the_first_place_wins_and_the_other_is_told(tmp_path: Path) -> None:
    toml = """
    [[rule]]
    name = "it"
    then = [{ move = "A" }, { delete = true }]
    """
    plan = decide(read_rules(tmp_path, toml), make_message(), CIRCUMSTANCES)
    assert [planned.effect for planned in plan.effects] == [FileInto("A")]
    assert plan.trace[0].effects == ("move: move to A", "delete: already placed")


def test_delete_forever_is_another_effect(tmp_path: Path) -> None:
    toml = '[[rule]]\nname = "it"\nthen = [{ delete = "forever" }]'
    assert effects_of(tmp_path, toml, make_message()) == [Delete(forever=True)]


@pytest.mark.parametrize(
    ("keys", "runs"),
    [
        ('accounts = ["home"]', True),
        ('accounts = ["work"]', False),
        ('mailboxes = ["INBOX"]', True),
        ('mailboxes = ["Lists"]', False),
        ("enabled = false", False),
        ("enabled = true", True),
    ],
)
def test_a_rule_runs_where_it_is_meant_to(
    tmp_path: Path, keys: str, runs: bool
) -> None:
    toml = f'[[rule]]\nname = "it"\n{keys}\nthen = [{{ flag = true }}]'
    assert bool(effects_of(tmp_path, toml, make_message())) is runs


# -- depth -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "when",
    [
        'body = "x", subject = "bye"',
        'subject = "bye", body = "x"',
        'any = [{ body = "x" }, { subject = "hello" }]',
        'not = [{ body = "x" }, { subject = "hello" }]',
        'subject = "hello"',
    ],
)
def test_headers_that_decide_cost_no_body(tmp_path: Path, when: str) -> None:
    plan_for(tmp_path, when, make_message(full=False))


@pytest.mark.parametrize(
    ("when", "then"),
    [
        ('body = "x"', "flag = true"),
        ('body = "x", subject = "hello"', "flag = true"),
        ('any = [{ body = "x" }, { subject = "bye" }]', "flag = true"),
        ('not = { body = "x" }', "flag = true"),
        ('subject = "hello"', 'forward = "bob@example.com"'),
    ],
)
def test_headers_that_leave_it_open_ask_for_the_body(
    tmp_path: Path, when: str, then: str
) -> None:
    with pytest.raises(NeedsBody):
        plan_for(tmp_path, when, make_message(full=False), then)


def test_a_rule_that_is_not_reached_asks_for_no_body(tmp_path: Path) -> None:
    toml = """
    [[rule]]
    name = "first"
    when.subject = "hello"
    then = [{ move = "A" }]
    [[rule]]
    name = "second"
    when.body = "x"
    then = [{ flag = true }]
    """
    assert effects_of(tmp_path, toml, make_message(full=False)) == [FileInto("A")]


def test_a_message_too_large_to_be_read_is_decided_by_its_headers(
    tmp_path: Path,
) -> None:
    toml = """
    [[rule]]
    name = "body"
    when.body = "hello"
    then = [{ flag = true }]
    [[rule]]
    name = "subject"
    when.subject = "hello"
    then = [{ forward = "bob@example.com" }, { move = "A" }]
    """
    large = replace(CIRCUMSTANCES, body_available=False)
    plan = decide(read_rules(tmp_path, toml), make_message(full=False), large)
    lacking, filed = (planned.effect for planned in plan.effects)
    assert isinstance(lacking, Perform)
    assert (lacking.action, lacking.needs_bytes) == ("forward", True)
    assert filed == FileInto("A")
    assert "too large" in plan.trace[0].note
    assert "forward: not done: the message is too large" in plan.trace[1].effects[0]


# -- forwarding, keys, traces ----------------------------------------------------------


def test_a_forward_is_a_message_to_be_sent(tmp_path: Path) -> None:
    then = 'forward = ["bob@example.com", "eve@example.com"]'
    plan = plan_for(tmp_path, 'subject = "hello"', make_message(), then)
    (planned,) = plan.effects
    assert isinstance(planned.effect, Send)
    outgoing = planned.effect.outgoing
    assert outgoing.relay == "home"
    assert outgoing.envelope.recipients == ("bob@example.com", "eve@example.com")
    assert make_message().raw in outgoing.content


def test_what_goes_in_circles_is_refused_and_told(tmp_path: Path) -> None:
    bounce = make_message(return_path="<>")
    then = 'forward = "bob@example.com" }, { move = "A"'
    plan = plan_for(tmp_path, 'subject = "hello"', bounce, then)
    assert [planned.effect for planned in plan.effects] == [FileInto("A")]
    assert plan.trace[0].effects[0] == "forward: refused: it is a bounce"


def test_nothing_is_removed_for_good_of_which_something_is_undone(
    tmp_path: Path,
) -> None:
    toml = """
    [[rule]]
    name = "it"
    then = [{ forward = "bob@example.com" }, { delete = "forever" }, { flag = true }]
    """
    rules = read_rules(tmp_path, toml)
    plan = decide(rules, make_message(return_path="<>"), CIRCUMSTANCES)
    assert [type(planned.effect) for planned in plan.effects] == [SetFlags]
    assert plan.undone == ("forward: refused: it is a bounce",)
    large = replace(CIRCUMSTANCES, body_available=False)
    plan = decide(rules, make_message(full=False), large)
    kinds = [type(planned.effect) for planned in plan.effects]
    assert kinds == [SetFlags, Perform]
    told = "delete: not done: something else that was wanted is not"
    assert plan.trace[0].effects[1] == told
    plan = decide(rules, make_message(), CIRCUMSTANCES)
    assert plan.undone == ()
    assert Delete(forever=True) in [planned.effect for planned in plan.effects]
    assert plan.trace[0].effects[1] == "delete: delete for good"


def test_keys_are_the_same_for_the_same_and_differ_otherwise(tmp_path: Path) -> None:
    def keys(when: str, uid: int, then: str = 'move = "A"') -> list[str]:
        plan = plan_for(tmp_path, when, make_message(uid=uid), then)
        return [planned.key for planned in plan.effects]

    first = keys('subject = "hello"', 1)
    assert keys('from = "ann"', 1) == first  # an edited rule does not fire again
    assert keys('subject = "hello"', 2) != first
    assert keys('subject = "hello"', 1, 'move = "B"') != first
    flags = keys('subject = "hello"', 1, 'flag = true }, { mark = "read"')
    assert len(set(flags)) == 2


def test_keys_differ_for_another_message_that_has_the_same_uid(tmp_path: Path) -> None:
    def forwarded(message: Message) -> tuple[str, str]:
        then = 'forward = "bob@example.com"'
        (planned,) = plan_for(tmp_path, 'subject = "h"', message, then).effects
        assert isinstance(planned.effect, Send)
        return planned.key, planned.effect.outgoing.message_id

    message = make_message(message_id="<1@example.org>")
    paris = timezone(timedelta(hours=1))
    same = replace(message, received=message.received.astimezone(paris))
    assert forwarded(same) == forwarded(message)
    others = [
        make_message(message_id="<2@example.org>"),
        replace(message, size=message.size + 1),
        replace(message, received=message.received + timedelta(seconds=1)),
    ]
    found = [forwarded(each) for each in [message, *others]]
    assert len({key for key, _ in found}) == len(found)
    assert len({message_id for _, message_id in found}) == len(found)


def test_the_trace_tells_what_was_asked_and_seen(tmp_path: Path) -> None:
    plan = plan_for(
        tmp_path, 'subject = ["bye", "/^HE/"], from = "@x.org"', make_message()
    )
    asked = plan.trace[0].conditions
    assert [(trace.condition, trace.holds, trace.seen) for trace in asked] == [
        ("subject = ['bye', /^HE/]", True, "Hello"),
        ("from = '@x.org'", False, "ann@example.org"),
    ]


def test_the_trace_tells_a_condition_that_must_not_hold_as_such(tmp_path: Path) -> None:
    when = 'subject = "hello", not = { from = "@x.org" }'
    asked = plan_for(tmp_path, when, make_message()).trace[0].conditions
    assert [(trace.condition, trace.holds) for trace in asked] == [
        ("subject = 'hello'", True),
        ("not from = '@x.org'", True),
    ]


def test_deciding_twice_gives_the_same_plan(tmp_path: Path) -> None:
    then = 'forward = "bob@example.com"'
    plans = [plan_for(tmp_path, 'subject = "h"', make_message(), then) for _ in "ab"]
    assert plans[0] == plans[1]


def test_one_message_has_one_answer_at_most(tmp_path: Path) -> None:
    """RFC 3834, section 3.1.3."""
    toml = """
    [[rule]]
    name = "first"
    then = [{ reply = "One." }, { reply = { text = "Two.", handle = "other" } }]
    [[rule]]
    name = "second"
    then = [{ reply = "Three." }]
    """
    raw = b"Return-Path: <ann@example.org>\r\n" + make_raw()
    plan = decide(read_rules(tmp_path, toml), make_message(raw), CIRCUMSTANCES)
    (planned,) = plan.effects
    assert isinstance(planned.effect, Send)
    told = [told for entry in plan.trace for told in entry.effects]
    assert told[1:] == ["reply: already answered", "reply: already answered"]


def test_what_has_a_header_beyond_the_limits_is_never_removed_for_good(
    tmp_path: Path,
) -> None:
    """What a rule looked for may stand where nothing was read."""
    toml = """
    [[rule]]
    name = "it"
    when.not.subject = "urgent"
    then = [{ delete = "forever" }]
    """
    raw = b"X-Pad: " + b"x" * 300_000 + b"\r\n" + make_raw(subject="urgent")
    plan = decide(read_rules(tmp_path, toml), make_message(raw), CIRCUMSTANCES)
    assert plan.effects == ()
    assert "longer than" in plan.undone[0]
