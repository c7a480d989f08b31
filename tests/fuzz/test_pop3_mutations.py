"""A whole POP3 session whose answers are changed, swapped and cut does no harm."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import pop3_answers
from tests.fuzz.pop3_answers import NEXT
from tests.fuzz.seeds import CORPUS, seeds

SESSION = (CORPUS / "pop3_answers" / "rich-session").read_bytes()
PORTIONS = SESSION[1:].split(NEXT)
AT = st.integers(0, len(PORTIONS) - 1)


@given(st.lists(st.tuples(AT, AT), min_size=1, max_size=4))
@settings(deadline=None)
def test_answers_to_other_commands_are_understood_or_the_end(
    swaps: list[tuple[int, int]],
) -> None:
    portions = list(PORTIONS)
    for one, other in swaps:
        portions[one] = PORTIONS[other]
    pop3_answers.fuzz(SESSION[:1] + NEXT.join(portions))


@given(
    st.sampled_from(seeds("pop3_answers")),
    st.integers(0, 1_000),
    st.binary(max_size=4),
    st.integers(0, 2),
)
@settings(max_examples=300, deadline=None)
def test_an_answer_that_was_tampered_with_is_understood_or_the_end(
    seed: Path, at: int, added: bytes, gone: int
) -> None:
    answer = seed.read_bytes()
    pop3_answers.fuzz(answer[:at] + added + answer[at + gone :])


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_octets_of_any_kind_are_understood_or_the_end(octets: bytes) -> None:
    pop3_answers.fuzz(octets)
