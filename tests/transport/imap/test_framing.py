"""Responses are cut out of a stream whatever it holds, and however it is cut."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Frame, Framer, Limits

SMALL = Limits(line=60, literal=40, literals=3)

# Octets that are likely to mean something, and any others.
PIECES = st.one_of(
    st.sampled_from(
        b"\r\n|\r|\n|* |* OK |+ |A1 OK x|{3}\r\n|{0}|{99}\r\n|{-1}\r\n|{5|}"
        b'|"|(|\\|* 1 FETCH ('.split(b"|")
    ),
    st.binary(max_size=8),
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


def frames(*chunks: bytes) -> tuple[list[Frame], bool]:
    """The responses of a stream, and whether it broke the bounds in the end."""
    framer = Framer(SMALL)
    found: list[Frame] = []
    for chunk in chunks:
        try:
            for frame in framer.feed(chunk):
                found.append(frame)
        except TemporaryError:
            return found, True
    return found, False


@given(STREAMS, st.lists(st.integers(0, 200)))
def test_responses_do_not_depend_on_how_the_stream_is_cut(
    stream: bytes, cuts: list[int]
) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    octets = [bytes([octet]) for octet in stream]
    assert frames(stream) == frames(*pieces) == frames(*octets)


@given(STREAMS)
def test_nothing_is_lost_or_added_between_responses(stream: bytes) -> None:
    found, broken = frames(stream)
    written = b"".join(b"".join(_rejoined(frame)) for frame in found)
    assert stream.startswith(written)
    assert broken or b"\r\n" not in stream[len(written) :] or b"{" in stream


def _rejoined(frame: Frame) -> list[bytes]:
    return [part if index % 2 else part + b"\r\n" for index, part in enumerate(frame)]


def test_a_literal_belongs_to_the_response_that_announces_it() -> None:
    stream = b"* 1 FETCH (BODY[] {7}\r\na\r\n* )\r UID 3)\r\n* 2 EXISTS\r\n"
    assert frames(stream)[0] == [
        (b"* 1 FETCH (BODY[] {7}", b"a\r\n* )\r", b" UID 3)"),
        (b"* 2 EXISTS",),
    ]


@pytest.mark.parametrize(
    "start", [b"* OK", b"* no", b"* BYE", b"+", b"A1 OK", b"A1 BAD"]
)
def test_text_for_people_announces_no_literal(start: bytes) -> None:
    line = start + b" set {5}"
    assert frames(line + b"\r\n* 1 EXISTS\r\n")[0] == [(line,), (b"* 1 EXISTS",)]


@pytest.mark.parametrize(
    "size",
    [b"41", b"2000000000", b"-1", b"18446744073709551616", b"9" * 50, b"", b"1_0"],
)
def test_a_literal_of_an_impossible_size_is_refused_before_it_comes(
    size: bytes,
) -> None:
    assert frames(b"* 1 FETCH (BODY[] {%s}\r\n" % size) == ([], True)


def test_an_empty_literal_is_a_literal() -> None:
    assert frames(b"* LIST () NIL {0}\r\n\r\n")[0] == [(b"* LIST () NIL {0}", b"", b"")]


def test_a_response_of_too_many_literals_is_refused() -> None:
    assert frames(b"* 1 FETCH (" + b"{0}\r\n" * 9) == ([], True)


def test_a_response_that_nobody_asked_for_is_bounded_as_a_whole() -> None:
    framer = Framer(Limits(line=60, literal=40, literals=9, octets=100))
    two = (b"* 1 FETCH (A {40}\r\n", b"x" * 40 + b" B {20}\r\n", b"y" * 20)
    for piece in two:
        assert list(framer.feed(piece)) == []
    with pytest.raises(TemporaryError, match="without end"):
        list(framer.feed(b" C {30}\r\n"))


@pytest.mark.parametrize(
    "hostile",
    [
        b"* 1 FETCH (" + b"A {10000}\r\n" + b"x" * 10_000,
        b"A {10000}\r\n" + b"x" * 10_000,
        b"x" * 9_999,
        b"* 1 FETCH (UID 1 FLAGS ())\r\n",
        b"\r\n",
        b"* {0}\r\n",
        b"{9}\r\n\r",
    ],
)
def test_no_stream_fills_the_memory(hostile: bytes) -> None:
    limits = Limits(line=10_000, literal=10_000, octets=40_000, literals=64)
    stream = b"* 1 FETCH (" + hostile * (300_000 // len(hostile))
    framer = Framer(limits)
    tracemalloc.start()
    try:
        for cut in range(0, len(stream), 4_096):
            for _ in framer.feed(stream[cut : cut + 4_096]):
                pass
    except TemporaryError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 5 * limits.octets


def test_a_line_without_end_is_refused_when_it_is_too_long() -> None:
    assert frames(b"x" * 60) == ([], False)
    assert frames(b"x" * 60 + b"\r\n") == ([(b"x" * 60,)], False)
    assert frames(b"x" * 61) == ([], True)


def test_a_long_answer_takes_linear_time_in_small_pieces() -> None:
    def seconds(lines: int) -> float:
        framer = Framer(Limits())
        stream = b"* 1 FETCH (UID 1 FLAGS ())\r\n" * lines + b"x" * 100 * lines
        start = time.process_time()
        for cut in range(0, len(stream), 64):
            list(framer.feed(stream[cut : cut + 64]))
        return time.process_time() - start

    quick = min(seconds(1_000) for _ in range(3))
    assert seconds(16_000) < 16 * 8 * quick


def test_what_has_begun_is_known_to_be_pending() -> None:
    framer = Framer(SMALL)
    assert not framer.pending
    assert list(framer.feed(b"* LIST {3}\r\n")) == []
    assert framer.pending
    assert len(list(framer.feed(b"abc\r\n"))) == 1
    assert not framer.pending
