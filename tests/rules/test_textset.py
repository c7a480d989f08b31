"""Many patterns at once name all that fit, and hardly any that do not."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.rules.text import AddressText, Text
from postroom.rules.textset import AnyOf, TextSet

# Letters whose upper, lower and folded forms differ in length or in kind, a lone
# surrogate, what is special in patterns, and controls.
LETTERS = (
    "aAbBkKsS*?.@/\\ \n\0\u00df\u1e9e\u0130\u0131\u017f\u212a\u03c3\u03c2\u03a3"
    "\u00e9\u00c9\u0301\ufb01\ud800"
)
SEARCHES = ("^a", "s$", "a|b", "(?-i)k", "[^a]", ".", r"\Qa.", "i+", "\u00df", r"\bk")
CUTS = st.sampled_from([0, 0, 0, 1, 2])
CASES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.casefold)


@st.composite
def pairs(draw: st.DrawFn, letters: str = LETTERS) -> tuple[Text, str]:
    """A text, and a pattern that has something in common with it."""
    value = draw(st.text(letters, max_size=6))
    begin, end = draw(CUTS), draw(CUTS)
    piece = draw(st.sampled_from(CASES))(value[begin : len(value) - end])
    piece = piece.replace("\ud800", "?") or "k"
    before, after = draw(st.sampled_from(["", "*", "?"])), draw(st.sampled_from("*?a"))
    written = {
        "plain": piece,
        "is": piece,
        "contains": piece,
        "glob": f"{before}{piece}{after}",
        "regex": draw(st.sampled_from(SEARCHES)),
    }
    way = draw(st.sampled_from([*written]))
    kind = draw(st.sampled_from([Text, AddressText]))
    if way == "plain":
        piece = piece.strip() + "k"  # An address pattern has no blanks around it.
        return kind.model_validate(f"k{piece}"), f"k{value}"
    return kind.model_validate({way: written[way], "case": draw(st.booleans())}), value


@settings(max_examples=300)
@given(st.lists(pairs(), min_size=1, max_size=5))
def test_whatever_matches_is_found(pairs: list[tuple[Text, str]]) -> None:
    texts, values = zip(*pairs, strict=True)
    found = TextSet(texts).matching(values)
    assert found is not None
    for number, text in enumerate(texts):
        if any(text.matches(value) for value in values):
            assert number in found, (text, values)


@settings(max_examples=300)
@given(st.lists(pairs("aAbBkKsS*?.@/ "), min_size=1, max_size=5))
def test_nothing_else_is_found_in_ascii(pairs: list[tuple[Text, str]]) -> None:
    texts, values = zip(*pairs, strict=True)
    found = TextSet(texts).matching(values)
    assert found is not None
    for number in found:
        assert any(texts[number].matches(value) for value in values)


def test_nothing_is_found_by_none_and_in_none() -> None:
    assert TextSet([]).matching(["a"]) == frozenset()
    assert TextSet([Text.model_validate("a")]).matching([]) == frozenset()
    assert TextSet([Text.model_validate("*")]).matching([""]) == frozenset({0})


def test_a_set_that_is_too_large_says_so() -> None:
    """What RE2 has no memory for must not look like what does not fit."""
    large = [Text.model_validate(f"/x{n}.{{400}}/") for n in range(400)]
    assert TextSet([Text.model_validate("*"), *large]).matching(["a"]) is None


def test_each_of_a_thousand_is_found_alone() -> None:
    texts = [Text.model_validate(f"invoice {n}!") for n in range(1000)]
    together = TextSet(texts)
    for number in (0, 7, 999):
        found = together.matching([f"Your Invoice {number}!"])
        assert found == frozenset({number})


@settings(max_examples=100)
@given(st.lists(pairs(), min_size=9, max_size=12), st.data())
def test_any_of_many_fits_where_one_of_them_does(
    pairs: list[tuple[Text, str]], data: st.DataObject
) -> None:
    texts, values = zip(*pairs, strict=True)
    asked = data.draw(st.lists(st.sampled_from(values), max_size=3))
    fits = any(text.matches(value) for text in texts for value in asked)
    assert AnyOf(texts).fits(asked) is fits


def test_a_set_that_is_too_large_is_asked_one_by_one() -> None:
    large = [Text.model_validate(f"/x{n}.{{400}}/") for n in range(400)]
    any_of = AnyOf([*large, Text.model_validate("a")])
    assert any_of.fits(["a"])
    assert not any_of.fits(["b"])


def test_hundreds_of_patterns_on_a_long_text_take_no_time() -> None:
    body = "\u017f\u00df\u00e9 " * 300_000
    words = [Text.model_validate(f"word {n}") for n in range(500)]
    begun = time.process_time()
    assert not AnyOf(words).fits([body])
    assert time.process_time() - begun < 0.5


def test_a_long_text_is_folded_once_for_all_who_look_at_it() -> None:
    body = "\u017f\u00df\u00e9 " * 300_000
    begun = time.process_time()
    for number in range(1000):
        assert not Text.model_validate(f"word {number}").matches(body)
    assert time.process_time() - begun < 2.5
