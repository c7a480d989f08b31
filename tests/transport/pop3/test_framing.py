"""Lines and contents are cut out of a stream whatever it holds, however it comes."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroom.errors import TemporaryError
from postroom.transport.pop3.framing import LARGEST_PIECE, LONGEST_LINE, Framer
from tests.transport.pop3.scripted import stuffed

# Octets that are likely to mean something, and any others.
CONTENTS = st.lists(
    st.one_of(
        st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"\r\n.", b"+OK", b"\0"]),
        st.binary(max_size=8),
    ),
    max_size=30,
).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=20)


def pieces(octets: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """The octets, cut at these places as far as they are inside."""
    inside = (cut for cut in cuts if cut < len(octets))
    edges = sorted({0, len(octets), *inside})
    return (octets[start:end] for start, end in pairwise(edges))


def read(octets: Iterable[bytes]) -> tuple[list[bytes], list[list[bytes]], int]:
    """What comes of a stream of answers: their first lines, their contents in pieces,
    and how many octets are left."""
    framer = Framer()
    lines: list[bytes] = []
    contents: list[list[bytes]] = []
    within = False
    for each in octets:
        framer.feed(each)
        while True:
            if not within:
                line = framer.line()
                if line is None:
                    break
                lines.append(line)
                contents.append([])
            piece = framer.piece()
            within = piece is None or not piece[1]
            if piece is None:
                break
            contents[-1].append(piece[0])
    return lines, contents, framer.pending


def crlf_ended(content: bytes) -> bytes:
    """The content as a server that counts lines has it."""
    return content if content.endswith(b"\r\n") or not content else content + b"\r\n"


@given(st.lists(CONTENTS, max_size=4), CUTS)
@example([b".", b"..", b"\r\n.", b"\n.\n", b"\r.\r", b"\r\n"], [])
@example([b"", b"", b""], [1, 2, 3, 4, 5])
def test_any_octets_come_out_as_they_were(
    contents: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(b"+OK\r\n" + stuffed(content) for content in contents)
    for chunks in (pieces(stream, cuts), pieces(stream, range(len(stream)))):
        lines, found, left = read(chunks)
        assert lines == [b"+OK"] * len(contents)
        assert [b"".join(each) for each in found] == list(map(crlf_ended, contents))
        assert left == 0


@given(CONTENTS, CUTS)
def test_what_is_cut_out_does_not_depend_on_how_a_stream_comes(
    stream: bytes, cuts: list[int]
) -> None:
    assert read([stream]) == read(pieces(stream, cuts))
    assert read([stream]) == read(pieces(stream, range(len(stream))))


@given(CONTENTS)
def test_a_content_ends_where_the_standard_says_and_nowhere_else(octets: bytes) -> None:
    """As RFC 1939, section 3, tells it, line by line."""
    expected = b""
    ended = False
    for line in re.findall(rb"(?s)(?:(?!\r\n).)*\r\n", octets):
        if ended := line == b".\r\n":
            break
        expected += line.removeprefix(b".")
    _, contents, _ = read([b"+OK\r\n" + octets])
    assert contents[0] == ([expected] if ended else [])


@pytest.mark.parametrize("look_alike", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r\n"])
def test_what_looks_like_an_end_is_content(look_alike: bytes) -> None:
    _, contents, left = read([b"+OK\r\nx" + look_alike])
    assert contents == [[]]
    assert left > 0


def test_the_dot_of_a_line_that_is_no_end_is_taken_away_once() -> None:
    _, contents, _ = read([b"+OK\r\n.x\r\n..\r\n...\r\n.\r\n"])
    assert contents == [[b"x\r\n.\r\n..\r\n"]]


@pytest.mark.parametrize("around", range(-6, 7))
@pytest.mark.parametrize("unit", [b"\r\n.", b"\r\n", b"\r", b"\r\n\r\n..", b"x\r\n"])
def test_a_large_content_comes_whole_wherever_it_is_cut(
    unit: bytes, around: int
) -> None:
    content = b"y" * (LARGEST_PIECE + around) + unit * 5 + b"z" * LARGEST_PIECE
    content = crlf_ended(content + unit)
    stream = b"+OK\r\n" + stuffed(content)
    for chunk in (len(stream), 16 * 1024, 100_003):
        _, (parts,), left = read(pieces(stream, range(0, len(stream), chunk)))
        assert b"".join(parts) == content
        assert max(map(len, parts)) <= LARGEST_PIECE
        assert left == 0


def test_a_small_content_is_one_piece() -> None:
    content = b"x" * (LARGEST_PIECE - 2) + b"\r\n"
    stream = b"+OK\r\n" + stuffed(content)
    _, contents, _ = read(pieces(stream, range(0, len(stream), 5_000)))
    assert contents == [[content]]


@pytest.mark.parametrize("unit", [b"x", b"\n", b"\r\n", b"\r", b"\r\n..", b".."])
def test_no_content_fills_the_memory(unit: bytes) -> None:
    stream = b"+OK\r\nx" + unit * (3_000_000 // len(unit))
    framer = Framer()
    tracemalloc.start()
    framer.feed(stream[:5])
    assert framer.line() == b"+OK"
    for cut in range(5, len(stream), 65_536):
        framer.feed(stream[cut : cut + 65_536])
        while framer.piece():
            pass
        assert framer.pending <= LARGEST_PIECE + 4
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * LARGEST_PIECE


def test_a_line_may_be_long_and_not_too_long() -> None:
    line = b"x" * LONGEST_LINE
    assert _line(line + b"\r\n") == line
    assert _line(line) is None
    assert _line(line + b"\r") is None
    for longer in (line + b"xx", line + b"x\r\n", line + b"x" * 100_000 + b"\r\n"):
        with pytest.raises(TemporaryError, match="too many octets"):
            _line(longer)


def _line(octets: bytes) -> bytes | None:
    framer = Framer()
    framer.feed(octets)
    return framer.line()


def test_a_content_takes_linear_time_in_small_pieces() -> None:
    def seconds(octets: int) -> float:
        framer = Framer()
        framer.feed(b"+OK\r\n")
        assert framer.line() == b"+OK"
        stream = b"x" * octets + b"\r\n.\r\n"
        start = time.process_time()
        for cut in range(0, len(stream), 64):
            framer.feed(stream[cut : cut + 64])
            framer.piece()
        return time.process_time() - start

    quick = min(seconds(10_000) for _ in range(3))
    assert seconds(200_000) < 20 * 8 * quick


def test_small_messages_are_read_by_the_thousand() -> None:
    one = b"+OK 3000 octets\r\n" + stuffed((b"x" * 70 + b"\r\n") * 42)
    stream = one * 5_000
    start = time.process_time()
    lines, contents, _ = read(pieces(stream, range(0, len(stream), 256 * 1024)))
    seconds = time.process_time() - start
    assert len(lines) == len(contents) == 5_000
    # A tenth of the time that is usual: a machine may be busy.
    assert len(contents) / seconds > 10_000
