"""Accents have one form, and nobody can make that take long."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.composed import compose


@given(st.text("aeE \u0301\u0308\u0323\u00e9\u1e9e\uac00\u1100\u1161\u0915\u093c"))
def test_it_is_the_normal_form(text: str) -> None:
    assert compose(text) == unicodedata.normalize("NFC", text)


def test_what_stands_around_endless_accents_is_composed() -> None:
    accents = "\u0323\u0301" * 50
    assert compose(f"e\u0301 x{accents} e\u0301") == f"\u00e9 x{accents} \u00e9"


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0315" * 300_000 + "\u0300" * 300_000,
        "a" + "\u0308" * 600_000,
        ("a" + "\u0315" * 16 + "\u0300" * 16) * 20_000,
    ],
    ids=["unsorted", "sorted", "many letters"],
)
def test_accents_by_the_hundred_thousand_take_no_time(text: str) -> None:
    begun = time.process_time()
    compose(text)
    assert time.process_time() - begun < 2
