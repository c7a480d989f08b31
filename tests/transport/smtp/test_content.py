"""The octets on the wire: pieces that cut nothing in two, and doubled dots."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from postroom.transport.smtp.content import dot_stuffed, pieces

lines = st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a.", b"abc"]))
contents = lines.map(lambda each: b"".join(line + b"\r\n" for line in each))


@given(contents, st.integers(1, 7))
@example(b"a\r\n.\r\n", 2)
@example(b"a\r\n.\r\n", 3)
def test_each_dot_that_begins_a_line_is_doubled_wherever_pieces_end(
    content: bytes, size: int
) -> None:
    expected = re.sub(rb"(?m)^\.", b"..", content)
    assert b"".join(dot_stuffed(content, size)) == expected


@given(contents, st.integers(1, 7))
def test_no_piece_cuts_a_line_end_in_two(content: bytes, size: int) -> None:
    cut = list(pieces(content, size))
    assert b"".join(cut) == content
    assert not any(piece.endswith(b"\r") for piece in cut)
    assert all(0 < len(piece) <= size + 1 for piece in cut)
