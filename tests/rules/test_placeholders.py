"""What is said to people may hold what a message says, on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from postroom.rules.placeholders import Heading, Wording
from tests.builders import make_message


def test_a_text_is_filled_in() -> None:
    message = make_message(b"From: Ann <Ann@example.org>\r\nSubject: Lunch?\r\n\r\n")
    text = Wording.model_validate("Dear {from.name},\n\n{subject} {{I}} read it.\n")
    assert text.expand(message) == "Dear Ann,\n\nLunch? {I} read it.\n"
    assert Heading.model_validate("Re: {subject}").expand(message) == "Re: Lunch?"


def test_what_a_message_does_not_say_is_left_out() -> None:
    nothing = make_message(b"X: y\r\n\r\n")
    assert Wording.model_validate("<{from.name}{subject}>").expand(nothing) == "<>"


@given(st.text(min_size=1))
def test_a_value_is_never_more_than_one_short_line(value: str) -> None:
    text = Wording.model_validate("{subject}")
    cleaned = text.clean(value, make_message())
    assert len(cleaned) <= 200
    assert len(cleaned.splitlines()) <= 1


@pytest.mark.parametrize(
    ("kind", "written", "complaint"),
    [
        (Wording, " \n", "expected a text that is not empty"),
        (Wording, "{name}", "no placeholder 'name'; did you mean 'from.name'?"),
        (Wording, 3, "valid string"),
        (Heading, "a\nb", "expected one line"),
        (Heading, "", "expected a text that is not empty"),
    ],
)
def test_what_is_no_text_is_refused(
    kind: type[Wording], written: object, complaint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(written)
    assert complaint in str(caught.value)
