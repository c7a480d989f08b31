"""The reader that judges what the client sends takes what is IMAP, and nothing else."""

from __future__ import annotations

import pytest

from tests.transport.imap.strict import Asked, Offence, Reader, Text


def read(*pieces: bytes) -> list[Asked]:
    """What is read of these pieces, each literal being asked for."""
    reader = Reader()
    asked: list[Asked] = []
    for piece in pieces:
        asked += reader.take(piece)
        reader.go_on()
    return asked


@pytest.mark.parametrize(
    ("pieces", "asked"),
    [
        ([b"a NOOP\r\n"], Asked(b"a", "NOOP")),
        (
            [b"a LOGIN x ", b'"a \\"\\\\"\r\n'],
            Asked(b"a", "LOGIN", (b"x", Text(b'a "\\'))),
        ),
        ([b"a X {2}\r\n", b"\r\n y\r\n"], Asked(b"a", "X", (Text(b"\r\n"), b"y"))),
        ([b"a X {0}\r\n", b"\r\n"], Asked(b"a", "X", (Text(b""),))),
        (
            [b"a UID FETCH 1:*,9 (UID BODY.PEEK[HEADER]<0.9>)\r\n"],
            Asked(b"a", "UID FETCH", (b"1:*,9", (b"UID", b"BODY.PEEK[HEADER]<0.9>"))),
        ),
        ([b"a X () (())\r\n"], Asked(b"a", "X", ((), ((),)))),
    ],
)
def test_a_command_is_read(pieces: list[bytes], asked: Asked) -> None:
    assert read(*pieces) == [asked]


def test_the_end_of_idle_belongs_to_idle() -> None:
    assert [each.verb for each in read(b"a IDLE\r\n", b"DONE\r\n")] == ["IDLE", "DONE"]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"a NOOP\n\r\n"],
        [b"a NO\rOP\r\n"],
        [b"a X \x00\r\n"],
        [b"a X \xe4\r\n"],
        [b'a X "\xe4"\r\n'],
        [b"a X  y\r\n"],
        [b"a X y \r\n"],
        [b"a  X\r\n"],
        [b"a x\r\n"],
        [b" X\r\n"],
        [b"DONE\r\n"],
        [b"a X (y\r\n"],
        [b"a X y)\r\n"],
        [b"a X (y )\r\n"],
        [b'a X "y\r\n'],
        [b'a X "\\y"\r\n'],
        [b'a X "y""z"\r\n'],
        [b'a X y"z"\r\n'],
        [b"a X a%b\r\n"],
        [b"a X a*b\r\n"],
        [b"a X {1}\r\n", b"\x00\r\n"],
        [b"a X {1}\r\nx\r\n"],
        [b"a X {01}\r\n", b"x\r\n"],
        [b"a X {1}\r\n", b"xy\r\n"],
        [b"a IDLE\r\n", b"b NOOP\r\n"],
    ],
)
def test_what_is_no_command_is_an_offence(pieces: list[bytes]) -> None:
    with pytest.raises(Offence):
        read(*pieces)


def test_a_literal_that_was_not_asked_for_is_an_offence() -> None:
    reader = Reader()
    assert list(reader.take(b"a X {1}\r\n")) == []
    with pytest.raises(Offence):
        list(reader.take(b"x\r\n"))
