"""The conditions on what a message says, and the clues they give."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.mail.message import Message
from postroom.rules.condition import Condition
from postroom.rules.logic import Named
from tests.builders import make_message, plan_for, read_rules

CONDITIONS = discover_plugins().conditions

LETTER = (
    "From: Ann Archer <ann@friends.example>\r\n"
    "To: me@ours.example\r\nCc: Boss <boss@ours.example>, eve@else.example\r\n"
    "Delivered-To: alias@ours.example\r\nX-Original-To: old@ours.example\r\n"
    "Subject: =?utf-8?q?R=C3=A9union?=\r\nX-Mark: one\r\nX-Mark: two\r\n"
    "List-Id: The list <py.lists.example>\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nHello, Ann.\r\n"
    "--b\r\nContent-Type: application/pdf\r\n"
    'Content-Disposition: attachment; filename="Bill 7.pdf"\r\n\r\nx\r\n--b--\r\n'
)


def condition(name: str, value: object) -> Condition:
    """The condition of this name with what stands behind it in a rule file."""
    return CONDITIONS[name].type.model_validate(value)


def letter(raw: str = LETTER, full: bool = True) -> Message:
    """The letter, or another message."""
    return make_message(raw.encode(), full=full)


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("from", "ann@friends.example", True),
        ("from", "boss@ours.example", False),
        ("to", "me@ours.example", True),
        ("to", "boss@ours.example", False),
        ("cc", "boss@ours.example", True),
        ("cc", "Boss", True),
        ("cc", "@else.example", True),
        ("cc", "me@ours.example", False),
        ("recipient", "me@ours.example", True),
        ("recipient", "boss@ours.example", True),
        ("recipient", "alias@ours.example", True),
        ("recipient", "old@ours.example", True),
        ("recipient", "ann@friends.example", False),
        ("subject", "r\u00e9un", True),
        ("subject", {"is": "R\u00e9union"}, True),
        ("subject", {"is": "reunion"}, False),
        ("header", {"x-mark": "two"}, True),
        ("header", {"X-Mark": "two", "Cc": "*boss*"}, True),
        ("header", {"X-Mark": "two", "X-None": "*"}, False),
        ("header", {"X-Mark": [*(f"x{n}" for n in range(20)), "two"]}, True),
        ("header", {"X-Mark": [f"x{n}" for n in range(20)]}, False),
        ("from", [*(f"{n}@x.example" for n in range(20)), "Archer"], True),
        ("from", [f"{n}@x.example" for n in range(20)], False),
        ("subject", [*(f"x{n}" for n in range(20)), "re\u0301union"], True),
        ("body", [*(f"x{n}" for n in range(20)), "/^hello/"], True),
        ("attachment", [*(f"x{n}" for n in range(20)), "*.pdf"], True),
        ("attachment", [f"x{n}" for n in range(20)], False),
        ("list", "*", True),
        ("list", "py.lists", True),
        ("list", "ruby", False),
        ("body", "hello", True),
        ("body", "pdf", False),
        ("attachment", "*", True),
        ("attachment", "*.pdf", True),
        ("attachment", "BILL", True),
        ("attachment", ["*.doc", "*.pdf"], True),
        ("attachment", "*.doc", False),
        ("attachment", {"is": "bill 7.pdf"}, True),
        ("auto", True, True),
        ("size", "10k", False),
    ],
)
def test_a_condition_holds(name: str, value: object, holds: bool) -> None:
    assert condition(name, value).holds(letter()) is holds


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("cc", "x", "Boss <boss@ours.example>, eve@else.example"),
        (
            "recipient",
            "x",
            "me@ours.example, Boss <boss@ours.example>, eve@else.example, "
            "alias@ours.example, old@ours.example",
        ),
        ("attachment", "x", "Bill 7.pdf"),
        ("auto", True, "it has a List-Id field"),
        ("header", {"x-mark": "x", "X-None": "x"}, "x-mark: one, two"),
        ("header", {"X-None": "x"}, ""),
    ],
)
def test_the_trace_tells_what_was_seen(name: str, value: object, seen: str) -> None:
    assert condition(name, value).seen(letter()) == seen


@pytest.mark.parametrize("field", ["Bcc", "Resent-To", "Resent-Cc", "Envelope-To"])
def test_a_recipient_is_whoever_it_was_sent_to(field: str) -> None:
    message = letter(f"{field}: Me <me@ours.example>\r\n\r\n")
    assert condition("recipient", "me@ours.example").holds(message)
    assert not condition("to", "me@ours.example").holds(message)


def test_a_letter_without_an_attachment_has_none() -> None:
    message = make_message()
    assert not condition("attachment", "*").holds(message)


def test_a_person_is_no_machine() -> None:
    assert not condition("auto", True).holds(make_message())
    answer = letter("From: a@b.example\r\nAuto-Submitted: auto-replied\r\n\r\n")
    assert condition("auto", True).holds(answer)


@pytest.mark.parametrize(
    ("name", "value", "depth"),
    [("attachment", "*", "full"), ("auto", True, "headers"), ("cc", "a", "headers")],
)
def test_only_what_needs_the_body_asks_for_it(
    name: str, value: object, depth: str
) -> None:
    found = condition(name, value)
    assert found.depth == depth
    asked = Named(name, found).ask(letter(full=False), [])
    assert (asked is None) is (depth == "full")


def test_a_wrong_value_is_told_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, "auto = false, cc = 3", make_message())
    assert {(each.key, each.message) for each in caught.value.problems} == {
        ("when.auto", "it has no options: the only value is true"),
        ("when.cc[1]", "expected a text or a table of is, contains, glob, regex"),
    }


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        ("header = {}", "header: expected a field, such as { X-Spam"),
        ("header = { 'X-Foo:' = '*' }", "'X-Foo:' is no name of a field"),
        ("header = { 'X-Foo:' = '*' }", "expected one such as X-Foo"),
        ("header = { '' = '*' }", "'' is no name of a field"),
        ("header = { 'X Foo' = '*' }", "'X Foo' is no name of a field"),
        ("header = { '*' = 'x' }", "'*' is no name of a field"),
        ("size = {}", "size: expected over, under or both"),
        ("size = -5", "size: expected a number of octets"),
        ("size = { over = '2K', under = '1K' }", "nothing is larger than over and"),
        ("size = { under = 0 }", "nothing is larger than over and"),
        ("auto = {}", "auto: it has no options: the only value is true"),
    ],
)
def test_what_says_nothing_or_never_fits_is_refused(
    tmp_path: Path, when: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, when, make_message())
    (problem,) = caught.value.problems
    assert complaint in str(problem)


def test_a_stranger_with_many_addresses_costs_little() -> None:
    many = ", ".join(f"a{n}@x.example" for n in range(1000))
    message = letter(f"To: {many}\r\n\r\n")
    known = condition("to", [f"{n}@y.example" for n in range(1000)])
    begun = time.process_time()
    assert not known.holds(message)
    assert time.process_time() - begun < 1


# -- clues: what a condition looks for, told before it is asked ------------------------

WORDS = st.text('aAb\u00df@.* ,<>"', max_size=6)
PATTERNS = st.one_of(
    st.sampled_from(["*", "?", "@b", "a@b", "/^$/", "/a*/", "A", "a b", "*a*"]),
    st.builds(
        lambda way, value, case: {way: value, "case": case},
        st.sampled_from(["is", "contains", "glob"]),
        st.text("aAb@.*", min_size=1, max_size=3),
        st.booleans(),
    ),
)
FIELDS = ("From", "To", "Cc", "Resent-To", "Envelope-To", "Subject", "List-Id", "X-A")
HEADERS = st.lists(st.tuples(st.sampled_from(FIELDS), WORDS), max_size=5)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("from", "From"), ("to", "To"), ("cc", "Cc"), ("recipient", "Cc")),
        *(("subject", "Subject"), ("list", "List-Id"), ("header", "X-A")),
    ],
)
@given(header=HEADERS, patterns=st.lists(PATTERNS, min_size=1, max_size=3), value=WORDS)
def test_a_condition_never_holds_without_its_clue(
    name: str,
    field: str,
    header: list[tuple[str, str]],
    patterns: list[object],
    value: str,
) -> None:
    fields = [("Subject", "a"), *header, (field, value)]
    raw = "".join(f"{name}: {text}\r\n" for name, text in fields)
    message = make_message(f"{raw}\r\n".encode())
    options = {"x-a": patterns, "SUBJECT": "*"} if name == "header" else patterns
    found = condition(name, options)
    clue = found.clue()
    if clue is not None and found.holds(message):
        values = list(clue.place.values(message))
        assert any(text.matches(value) for text in clue.texts for value in values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "ann") for name in ("from", "to", "cc", "recipient", "subject")),
        ("list", "*"),
        ("header", {"X-Mark": "*"}),
    ],
)
def test_what_looks_at_the_header_gives_a_clue(name: str, value: object) -> None:
    assert condition(name, value).clue() is not None


@pytest.mark.parametrize("pattern", ["*", "/^$/", ["ann", "*"]])
def test_a_subject_that_may_be_missing_gives_no_clue(pattern: object) -> None:
    found = condition("subject", pattern)
    assert found.holds(letter("From: a@b.example\r\n\r\n"))
    assert found.clue() is None


def test_the_patterns_of_a_rule_file_are_those_of_the_clue(tmp_path: Path) -> None:
    toml = """
    [[rule]]
    name = "it"
    when.cc = ["ann", "@b.example"]
    then = [{ flag = true }]
    """
    (rule,) = read_rules(tmp_path, toml)
    assert isinstance(rule.when, Named)
    clue = rule.when.condition.clue()
    assert clue is not None
    assert clue.place.fields == ("Cc",)
    assert clue.place.addresses
    assert [str(text) for text in clue.texts] == ["'ann'", "'@b.example'"]
