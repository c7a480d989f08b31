"""A whole session whose lines are swapped, repeated, cut and changed does no harm."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import imap_commands, imap_responses
from tests.fuzz.seeds import CORPUS, seeds

SESSION = (CORPUS / "imap_responses" / "rich-session").read_bytes()
LINES = SESSION.splitlines(keepends=True)
AT = st.integers(0, len(LINES) - 1)
NUMBERS = st.one_of(
    st.sampled_from(
        [b"0", b"-1", b"4294967295", b"4294967296", b"9" * 20, b"1:*", b"x"]
    ),
    st.integers(0, 30).map(b"%d".__mod__),
)
Mutation = Callable[[list[bytes]], None]


def _swap(one: int, other: int) -> Mutation:
    def mutate(lines: list[bytes]) -> None:
        lines[one], lines[other] = lines[other], lines[one]

    return mutate


def _repeat(at: int, times: int) -> Mutation:
    def mutate(lines: list[bytes]) -> None:
        lines[at] *= times

    return mutate


def _truncate(at: int, length: int) -> Mutation:
    def mutate(lines: list[bytes]) -> None:
        lines[at] = lines[at][:length] + b"\r\n"

    return mutate


def _renumber(at: int, which: int, number: bytes) -> Mutation:
    def mutate(lines: list[bytes]) -> None:
        # Texts and numbers in turn.
        parts = re.split(rb"(\d+)", lines[at])
        parts[2 * which + 1 : 2 * which + 2] = [number]
        lines[at] = b"".join(parts)

    return mutate


def _resize(size: bytes) -> Mutation:
    def mutate(lines: list[bytes]) -> None:
        lines[:] = [re.sub(rb"\{\d+\}", b"{%s}" % size, line) for line in lines]

    return mutate


MUTATIONS = st.one_of(
    st.builds(_swap, AT, AT),
    st.builds(_repeat, AT, st.integers(0, 3)),
    st.builds(_truncate, AT, st.integers(0, 40)),
    st.builds(_renumber, AT, st.integers(0, 3), NUMBERS),
    st.builds(_resize, NUMBERS),
)


@given(st.lists(MUTATIONS, min_size=1, max_size=4))
@settings(max_examples=200)
def test_a_session_that_was_tampered_with_is_understood_or_ended(
    mutations: list[Mutation],
) -> None:
    lines = list(LINES)
    for mutate in mutations:
        mutate(lines)
    imap_responses.fuzz(b"".join(lines))


@given(
    st.sampled_from([seed.read_bytes() for seed in seeds("imap_responses")]),
    st.integers(0, 2_000),
    st.binary(max_size=4),
)
def test_an_answer_that_was_tampered_with_is_understood_or_the_end(
    answer: bytes, at: int, added: bytes
) -> None:
    imap_responses.fuzz(answer[:at] + added + answer[at + 1 :])


@given(st.binary(max_size=60))
def test_octets_of_any_kind_are_understood_or_the_end(octets: bytes) -> None:
    imap_responses.fuzz(octets)


@given(st.lists(st.text(max_size=20), max_size=8))
def test_texts_of_any_kind_leave_in_the_commands_they_are_meant_for(
    texts: list[str],
) -> None:
    written = (text.encode("utf-8", "surrogatepass") for text in texts)
    imap_commands.fuzz(b"\xff".join(written))
