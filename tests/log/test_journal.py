"""What the journal gets: entries with fields, or lines where it has no socket."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from postroom.log import configure_logging, flush_log, get_logger, register_secrets, say
from postroom.log.journal import encode_entry


class Journal:
    """A socket such as the journal has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(path))
        self.channel.settimeout(10)

    def read(self) -> dict[str, list[str]]:
        """The next entry: its fields, each with all its values."""
        data, numbers, _, _ = socket.recv_fds(self.channel, 1 << 20, 1)
        for number in numbers:
            with os.fdopen(number, "rb") as file:
                file.seek(0)
                data = file.read()
        return decode(data)


def decode(data: bytes) -> dict[str, list[str]]:
    """An entry, read as systemd's JOURNAL_NATIVE_PROTOCOL tells."""
    fields: dict[str, list[str]] = {}
    stream = io.BytesIO(data)
    while line := stream.readline():
        name, equals, value = line[:-1].partition(b"=")
        if not equals:
            value = stream.read(int.from_bytes(stream.read(8), "little"))
            assert stream.read(1) == b"\n"
        fields.setdefault(name.decode(), []).append(value.decode())
    return fields


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A file that seems to be read by the journal."""
    path = tmp_path / "stream"
    with path.open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        yield stream
        configure_logging(io.StringIO())


def written(stream: TextIO) -> str:
    """What is in the file."""
    flush_log()
    return Path(stream.name).read_text()


@pytest.fixture
def journal(stream: TextIO, tmp_path: Path) -> Iterator[Journal]:
    """A journal to which everything goes."""
    journal = Journal(tmp_path / "socket")
    with journal.channel:
        configure_logging(stream, level="debug", journal=journal.path)
        yield journal


def test_an_event_is_an_entry_with_a_field_for_each_of_its_keys(
    journal: Journal, stream: TextIO
) -> None:
    known = {"account": "home", "uid": 7, "message_id": "<1@example.org>"}
    get_logger().info("message_handled", **known, matched=["Bills", "All mail"])
    entry = journal.read()
    assert entry["ACCOUNT"] == ["home"]
    assert entry["UID"] == ["7"]
    assert entry["MESSAGE_ID"] == ["<1@example.org>"]
    assert entry["RULE"] == ["Bills", "All mail"]
    assert entry["EVENT"] == ["message_handled"]
    assert entry["SYSLOG_IDENTIFIER"] == ["postroom"]
    assert entry["PRIORITY"] == ["6"]
    assert entry["MESSAGE"] == [
        "message_handled account=home uid=7 message_id=<1@example.org> "
        "matched='Bills, All mail'"
    ]
    assert written(stream) == ""


def test_levels_are_priorities(journal: Journal) -> None:
    levels = ("debug", "info", "warning", "error", "critical")
    for level in levels:
        getattr(get_logger(), level)("x")
    told = [journal.read()["PRIORITY"] for _ in levels]
    assert told == [["7"], ["6"], ["4"], ["3"], ["2"]]


def test_a_traceback_keeps_its_lines(journal: Journal) -> None:
    try:
        raise OSError("it broke")
    except OSError:
        get_logger().exception("it_failed")
    (message,) = journal.read()["MESSAGE"]
    assert message.startswith("it_failed\nTraceback (most recent call last):\n")
    assert message.endswith("OSError: it broke")


def test_no_secret_and_nothing_from_mail_that_acts_is_in_an_entry(
    journal: Journal,
) -> None:
    register_secrets(["canary-7d1f"])
    get_logger().info("x", subject="a\nMESSAGE=faked\x1b[31m", error="canary-7d1f")
    entry = journal.read()
    assert len(entry["MESSAGE"]) == 1
    assert entry["SUBJECT"] == ["a\\nMESSAGE=faked\\x1b[31m"]
    assert "canary" not in str(entry)


def test_a_field_has_a_name_that_the_journal_takes() -> None:
    event = {"event": "x", "level": "info", "_pid": 1, "2nd-name": 2, "é": 3}
    assert set(decode(encode_entry(event))) == {
        *("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT"),
        *("PID", "ND_NAME", "FIELD"),
    }


def test_what_is_larger_than_a_datagram_comes_as_a_file(journal: Journal) -> None:
    many = ["x" * 500] * 2000
    get_logger().info("x", many=many)
    assert journal.read()["MANY"] == many


def test_without_a_socket_it_is_a_line_with_its_priority(
    stream: TextIO, tmp_path: Path
) -> None:
    configure_logging(stream, journal=tmp_path / "absent")
    get_logger().warning("x", uid=7)
    line = written(stream)
    assert line.startswith("<4>{")
    assert json.loads(line[3:])["uid"] == 7


def test_what_a_person_is_told_comes_with_its_priority_line_by_line(
    journal: Journal, stream: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    say("Traceback:\n  it failed")
    assert written(stream) == "<3>Traceback:\n<3>  it failed\n"
