"""The forms of a text that patterns look at: careless of case, accents and blanks."""

from __future__ import annotations

import time

import pytest

from postroom.rules.forms import fold
from postroom.rules.text import Text


def test_a_wrapped_line_is_found() -> None:
    text = "The total\r\ndue is\t five"
    for plain in ("total due", "TOTAL  due", "due is five"):
        assert Text.model_validate(plain).matches(text)
    assert not Text.model_validate("totaldue").matches(text)


def test_the_blanks_around_a_word_are_looked_for() -> None:
    assert not Text.model_validate(" due ").matches("overdue ")
    assert Text.model_validate(" due ").matches("is\r\ndue\r\nnow")


def test_a_search_sees_the_lines_as_they_are() -> None:
    search = Text.model_validate("/(?m)^total: 5$/")
    assert search.matches("Sums\nTotal: 5\nThanks")
    assert not search.matches("Sums Total: 5 Thanks")


@pytest.mark.parametrize("text", ["\r\n" * 500_000, "a " * 500_000, "\xa0" * 1_000_000])
def test_any_white_space_takes_no_time(text: str) -> None:
    begun = time.process_time()
    fold(text)
    assert time.process_time() - begun < 1
