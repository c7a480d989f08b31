"""Effects and traces as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import StoreError
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
    Window,
)
from postroom.rules.plan import ConditionTrace, RuleTrace
from postroom.store.codec import (
    decode_effect,
    decode_trace,
    decode_window,
    encode_effect,
    encode_trace,
    kind_of,
)
from postroom.store.kinds import EffectKind
from tests.store.samples import outgoing

TEXT = st.text(st.characters())
FLAGS = st.frozensets(TEXT)
EFFECTS = st.one_of(
    st.builds(SetFlags, FLAGS, FLAGS),
    st.builds(Copy, TEXT),
    st.builds(FileInto, TEXT),
    st.builds(Delete, st.booleans()),
    st.builds(Perform, TEXT, st.booleans(), TEXT, TEXT),
)
CONDITIONS = st.builds(ConditionTrace, TEXT, st.booleans(), TEXT)
RULES = st.builds(
    RuleTrace,
    TEXT,
    st.booleans(),
    st.lists(CONDITIONS).map(tuple),
    st.lists(TEXT).map(tuple),
    TEXT,
)


@given(EFFECTS)
def test_an_effect_comes_back_as_it_was(effect: Effect) -> None:
    arguments = encode_effect(effect)
    assert arguments.isascii()
    assert decode_effect(kind_of(effect), arguments) == effect


WINDOWS = st.builds(Window, TEXT, TEXT, st.timedeltas(timedelta(0), timedelta(99_999)))


@given(st.one_of(st.none(), WINDOWS))
def test_the_window_of_an_answer_comes_back_as_it_was(window: Window | None) -> None:
    assert decode_window(encode_effect(Send(outgoing(), window))) == window


def test_what_sends_nothing_has_no_window() -> None:
    assert decode_window(encode_effect(Perform('{"window":{}}'))) is None


@given(st.lists(RULES).map(tuple), st.integers(0))
def test_a_trace_comes_back_as_it_was(
    trace: tuple[RuleTrace, ...], passed_over: int
) -> None:
    assert decode_trace(encode_trace(trace, passed_over)) == (trace, passed_over)


def test_a_trace_of_an_older_store_passed_no_rule_over() -> None:
    told = '{"rule":"A","matched":false,"conditions":[],"effects":[],"note":"off"}'
    expected = RuleTrace("A", matched=False, note="off")
    assert decode_trace(f"[{told}]") == ((expected,), 0)


def test_a_perform_of_an_older_store_has_no_options() -> None:
    told = '{"action":"webhook","payload":"{}","needs_bytes":true}'
    expected = Perform("{}", needs_bytes=True, action="webhook", options="{}")
    assert decode_effect(EffectKind.PERFORM, told) == expected


def test_a_message_to_be_sent_is_told_without_its_octets() -> None:
    effect = Send(outgoing("ann@example.org", content=b"secret"))
    told = json.loads(encode_effect(effect))
    assert told["recipients"] == ["ann@example.org"]
    assert set(told) == {"relay", "sender", "recipients", "message_id"}
    with pytest.raises(StoreError, match="outbox"):
        decode_effect(EffectKind.SEND, encode_effect(effect))


def test_the_kinds_have_the_names_that_are_in_stores() -> None:
    effects: list[Effect] = [
        FileInto("x"),
        Delete(),
        Delete(forever=True),
        Send(outgoing()),
    ]
    assert [kind_of(effect) for effect in effects] == [
        "move",
        "trash",
        "expunge",
        "send",
    ]
