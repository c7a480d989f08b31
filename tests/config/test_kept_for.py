"""For how long the store keeps what is done with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from postroom.config.settings import PostroomTable

STATE = {"state": Path("/var/lib/postroom")}


def test_without_a_word_it_is_two_weeks_and_a_good_year() -> None:
    table = PostroomTable.model_validate(STATE)
    assert table.keep_content == timedelta(days=14)
    assert table.keep_ledger == timedelta(days=400)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"keep_content": "12h"}, "a day or more"),
        ({"keep_ledger": "1h"}, "a day or more"),
        ({"keep_ledger": 400}, "such as"),
        ({"keep_content": "2y", "keep_ledger": "1y"}, "no shorter than keep_content"),
        ({"keep_ledger": "3d"}, "no shorter than keep_content"),
    ],
)
def test_what_is_too_short_is_told(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PostroomTable.model_validate(STATE | wrong)
