"""Whoever logs never waits for who reads, and what was dropped is told."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from postroom.log.sink import Sink
from tests.servers.programs import wait_until

PATIENCE = 60

# It logs far more than a pipe holds (64 KiB) and than waits in memory, while its loop
# turns; then it ends, in the way of its argument.
CHATTERBOX = """
import asyncio, sys
from pathlib import Path
from postroom.commands.outcome import telling_errors
from postroom.errors import StoreError
from postroom.log import configure_logging, get_logger

async def chatter():
    for number in range(int(sys.argv[3])):
        get_logger().info("x", number=number, filler=["y" * 500] * 2)
        await asyncio.sleep(0)
    Path(sys.argv[2]).write_text("went on")
    if sys.argv[1] == "known":
        raise StoreError("the last words")
    if sys.argv[1] == "mistake":
        raise ZeroDivisionError("the last words")

configure_logging(sys.stderr)
with telling_errors():
    asyncio.run(chatter())
"""


class Gate(io.StringIO):
    """A stream that takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        assert self.opened.wait(PATIENCE)
        return super().write(text)


class Full(io.StringIO):
    """A stream on a full disk, until somebody makes room."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def tell_dropped(count: int) -> str:
    """How the tests are told."""
    return f"{count} dropped"


def test_lines_are_written_in_their_order() -> None:
    stream = io.StringIO()
    sink = Sink(stream, tell_dropped)
    for number in range(1000):
        sink.msg(str(number))
    assert sink.flush(PATIENCE)
    assert stream.getvalue().split() == [str(number) for number in range(1000)]
    sink.close(PATIENCE)


def test_the_newest_are_dropped_and_counted_where_they_are_missing() -> None:
    stream = Gate()
    sink = Sink(stream, tell_dropped, most=10)
    for line in ("1234", "6789", "too much", "x", "y"):
        sink.msg(line)
    stream.opened.set()
    assert sink.flush(PATIENCE)
    sink.msg("later")
    assert sink.flush(PATIENCE)
    assert stream.getvalue().splitlines() == ["1234", "6789", "3 dropped", "later"]
    sink.close(PATIENCE)


def test_what_a_full_disk_did_not_take_is_counted_too() -> None:
    stream = Full()
    sink = Sink(stream, tell_dropped)
    for line in ("a", "b"):
        sink.msg(line)
    assert sink.flush(PATIENCE)
    stream.is_full = False
    sink.msg("c")
    assert sink.flush(PATIENCE)
    assert stream.getvalue().splitlines() == ["c", "2 dropped"]
    sink.close(PATIENCE)


def test_a_stream_is_written_to_in_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        sink = Sink(stream, tell_dropped)
        sink.msg("é")
        sink.close(PATIENCE)
    assert path.read_text() == "\\xe9\n"


def start(
    how: str, mark: Path, stderr: int, count: int = 8_000
) -> subprocess.Popen[bytes]:
    """The chatterbox, in a process of its own."""
    command = [sys.executable, "-c", CHATTERBOX, how, str(mark), str(count)]
    return subprocess.Popen(command, stderr=stderr)


@pytest.mark.parametrize(("how", "code"), [("well", 0), ("known", 1), ("mistake", 1)])
def test_a_pipe_that_nobody_reads_stops_neither_the_loop_nor_the_end(
    tmp_path: Path, how: str, code: int
) -> None:
    reader, writer = os.pipe()
    mark = tmp_path / "mark"
    try:
        process = start(how, mark, writer)
        assert process.wait(PATIENCE) == code
    finally:
        os.close(writer)
        os.close(reader)
    assert mark.read_text() == "went on"


@pytest.mark.parametrize(
    ("how", "last"),
    [
        ("well", '"number": 999'),
        ("known", "the last words"),
        ("mistake", "ZeroDivisionError: the last words"),
    ],
)
def test_the_last_words_are_not_lost_where_somebody_reads(
    tmp_path: Path, how: str, last: str
) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:
        start(how, tmp_path / "mark", stream.fileno(), 1_000).wait(PATIENCE)
    lines = path.read_text().splitlines()
    assert last in lines[-1]


def test_a_slow_reader_is_told_how_many_lines_are_missing(tmp_path: Path) -> None:
    """It reads nothing until the loop has ended: more than memory holds is gone."""
    reader, writer = os.pipe()
    mark = tmp_path / "mark"
    process = start("well", mark, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        wait_until(mark.exists, "the end of the loop", PATIENCE)
        read = pipe.read()
    assert process.wait(PATIENCE) == 0
    events = [json.loads(line) for line in read.splitlines()]
    numbers = [event["number"] for event in events if event["event"] == "x"]
    (gap,) = [event for event in events if event["event"] == "log_records_dropped"]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) + gap["count"] == 8_000
    assert gap["level"] == "warning"
