"""Nothing that is written into a command can end it or begin another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError
from postroom.transport.imap.responses import expand
from postroom.transport.imap.tokens import read
from postroom.transport.imap.wire import (
    Literal,
    Part,
    atom,
    flag,
    segments,
    string,
    uid_sets,
)
from tests.transport.imap.strict import Argument, Asked, Reader, Text

# Texts that users and messages might bring, and what looks like IMAP among them.
TEXTS = st.one_of(
    st.text(max_size=20),
    st.lists(
        st.sampled_from(
            [
                *("\r", "\n", "\r\n", "\x00", '"', "\\", "{3}", "(", ")", "NIL", " "),
                *("A1 LOGOUT", "*", "%", "\u00e4", "\udcff", "]", "[", "\x7f", "\x01"),
            ]
        ),
        max_size=6,
    ).map("".join),
)
PARTS = st.one_of(st.binary(max_size=20), st.binary(max_size=20).map(Literal))


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_line_breaks_and_nul_leave_in_literals_only(parts: list[Part]) -> None:
    try:
        written = segments(parts)
    except PermanentError:
        return
    literals = [part.octets for part in parts if isinstance(part, Literal)]
    for index, segment in enumerate(written):
        literal = literals[index - 1] if index else b""
        assert segment.startswith(literal)
        assert segment.endswith(b"\r\n")
        assert not set(segment[len(literal) : -2]) & set(b"\r\n\x00")


@given(st.text(max_size=40))
def test_a_string_comes_back_as_it_was_or_is_refused(text: str) -> None:
    try:
        part = string(text)
    except PermanentError:
        assert set(text) & set("\r\n\x00")
        return
    octets = text.encode("utf-8", "surrogateescape")
    if isinstance(part, Literal):
        assert part.octets == octets
    else:
        assert read((b"* " + part,)) == (octets,)


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\x00b", "\r\nA1 LOGOUT"])
def test_a_string_with_a_line_break_is_refused(text: str) -> None:
    with pytest.raises(PermanentError):
        string(text)


def test_text_beyond_ascii_goes_as_a_literal_that_waits_for_the_server() -> None:
    assert segments([b"LOGIN", string('a"b'), string("pä")]) == [
        b'LOGIN "a\\"b" {3}\r\n',
        b"p\xc3\xa4\r\n",
    ]


@pytest.mark.parametrize(
    "text", ["", "a b", "a(", 'a"', "a\\b", "ä", "a\r", "*", "a%", "{3}", "]"]
)
def test_a_word_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PermanentError):
        atom(text)


@pytest.mark.parametrize("text", ["\\", "\\\\Seen", "\\*", "\\Seen)", "$a b"])
def test_a_flag_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PermanentError):
        flag(text)


def test_flags_and_keywords_are_written() -> None:
    assert (flag("\\Seen"), flag("$Important")) == (b"\\Seen", b"$Important")


def test_uids_become_ranges() -> None:
    assert list(uid_sets([9, 3, 1, 2, 5, 4, 4])) == [b"1:5,9"]
    assert list(uid_sets([])) == []


@given(st.sets(st.integers(1, 2**32 - 1), max_size=300), st.integers(25, 200))
def test_sets_hold_all_uids_and_are_short_enough(uids: set[int], length: int) -> None:
    sets = list(uid_sets(uids, length))
    assert all(len(uid_set) <= length for uid_set in sets)
    assert [uid for uid_set in sets for uid in expand(uid_set, 999)] == sorted(uids)


def test_a_thousand_scattered_uids_make_lines_below_8000_octets() -> None:
    sets = list(uid_sets(range(4_000_000_000, 4_000_002_000, 2)))
    assert len(sets) > 1
    assert max(map(len, sets)) < 7_900


def read_by_a_server(parts: list[Part]) -> list[Asked]:
    """What a server that forgives nothing reads of a command, which asks for each
    literal when it was announced."""
    reader = Reader()
    asked: list[Asked] = []
    for segment in segments(parts):
        asked += reader.take(segment)
        reader.go_on()
    return asked


@given(st.lists(st.tuples(st.sampled_from([string, atom, flag]), TEXTS), max_size=5))
def test_a_server_reads_one_command_with_exactly_these_arguments(
    arguments: list[tuple[Callable[[str], Part], str]],
) -> None:
    try:
        parts = [write(text) for write, text in arguments]
        asked = read_by_a_server([b"A1 X", *parts, b"end"])
    except PermanentError:
        return
    meant: list[Argument] = []
    for write, text in arguments:
        octets = text.encode("utf-8", "surrogateescape")
        meant.append(Text(octets) if write is string else octets)
    assert asked == [Asked(b"A1", "X", (*meant, b"end"))]


@given(TEXTS)
def test_a_text_is_refused_only_for_what_can_not_be_sent(text: str) -> None:
    try:
        string(text)
    except PermanentError:
        assert set(text) & set("\r\n\x00")
    else:
        assert not set(text) & set("\r\n\x00")


def test_flags_go_as_a_list_of_words() -> None:
    flags = b"(%s)" % b" ".join(map(flag, ["\\Seen", "$x[1"]))
    assert read_by_a_server([b"A1 UID STORE", b"1:3,9", b"+FLAGS", flags]) == [
        Asked(b"A1", "UID STORE", (b"1:3,9", b"+FLAGS", (b"\\Seen", b"$x[1")))
    ]
