"""The log: JSON a line, no secret in it, and nothing from mail that could act."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from postroom import log
from postroom.log import configure_logging, get_logger, redact, register_secrets

SECRET = "canary-7d1f"


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Logging belongs to the whole process: leave it as it was found."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers, logging.root.level = handlers, level


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes, which knows a secret."""
    stream = io.StringIO()
    register_secrets([SECRET])
    configure_logging(stream)
    return stream


def last(stream: io.StringIO) -> dict[str, Any]:
    """The last event."""
    event: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return event


def log_failure(secret: str, message: str) -> None:
    """Log an exception from a frame that has the secret in a local variable."""
    try:
        raise OSError(message)
    except OSError:
        get_logger().exception("it_failed")


def test_an_event_is_one_json_object_on_one_line(stream: io.StringIO) -> None:
    get_logger().info("message_handled", uid=7, effects=["move to A"], known=None)
    get_logger().warning("watch_failed", retry_in=1.5)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["timestamp"].endswith("Z")
    assert first == {
        "event": "message_handled",
        "level": "info",
        "uid": 7,
        "effects": ["move to A"],
        "known": None,
        "timestamp": first["timestamp"],
    }
    assert (second["level"], second["retry_in"]) == ("warning", 1.5)


def test_what_is_said_in_detail_is_logged_only_when_asked_for() -> None:
    quiet, verbose = io.StringIO(), io.StringIO()
    configure_logging(quiet)
    get_logger().debug("detail")
    configure_logging(verbose, verbose=True)
    get_logger().debug("detail")
    assert quiet.getvalue() == ""
    assert last(verbose)["event"] == "detail"


@pytest.mark.parametrize(
    "value",
    [
        f"password {SECRET}!",
        ["a", ("b", SECRET)],
        {"deep": {"deeper": [SECRET]}},
        {SECRET: 1},
        OSError(f"refused: {SECRET}"),
        Path("/run") / SECRET,
        SECRET.encode(),
    ],
    ids=["text", "list", "table", "key", "exception", "path", "octets"],
)
def test_a_secret_is_redacted_wherever_it_stands(
    stream: io.StringIO, value: object
) -> None:
    get_logger().info(f"event {SECRET}", value=value)
    assert SECRET not in stream.getvalue()
    assert "[secret]" in str(last(stream)["value"])
    assert last(stream)["event"] == "event [secret]"


def test_a_secret_at_the_cut_is_not_shown_in_part(stream: io.StringIO) -> None:
    get_logger().info("x", value="a" * (log._FIELD_CHARACTERS - 5) + SECRET)
    assert SECRET[:5] not in stream.getvalue()


def test_a_traceback_shows_no_secret_and_no_locals(stream: io.StringIO) -> None:
    log_failure("a local value", f"login with {SECRET} failed")
    (exception,) = last(stream)["exception"]
    assert exception["exc_type"] == "OSError"
    assert exception["exc_value"] == "login with [secret] failed"
    assert exception["frames"][-1]["name"] == "log_failure"
    assert "a local value" not in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_traceback_on_a_terminal_shows_no_secret_and_no_locals() -> None:
    register_secrets([SECRET])
    shown = on_terminal(f"\x1b]0;x\x07 login with {SECRET} failed")
    assert "Traceback" in shown
    assert "login with [secret] failed" in shown
    assert "a local value" not in shown
    assert "\x1b]" not in shown


def on_terminal(message: str) -> str:
    """What a terminal gets to show of a failure."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb") as screen:
        configure_logging(terminal)
        log_failure("a local value", message)
        terminal.flush()
        return screen.read1(100_000).decode()


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    register_secrets(["hunter22", "hunter22-and-more", "secret"])
    told = "[secret], [secret]; [secret]!"
    assert redact("hunter22, hunter22-and-more; secret!") == told


def test_a_short_value_is_no_secret_to_be_told_from_text(stream: io.StringIO) -> None:
    register_secrets(["abc"])
    assert redact("abc") == "abc"


def test_text_from_mail_can_neither_start_a_line_nor_colour_it(
    stream: io.StringIO,
) -> None:
    nasty = 'a\r\n{"event": "faked"}\x1b[31m\u202e\x00'
    get_logger().info("message_handled", subject=nasty, more={"in": [nasty]})
    assert len(stream.getvalue().splitlines()) == 1
    event = last(stream)
    expected = 'a\\r\\n{"event": "faked"}\\x1b[31m\\u202e\\x00'
    assert event["subject"] == expected
    assert event["more"] == {"in": [expected]}


def test_a_long_value_is_cut(stream: io.StringIO) -> None:
    get_logger().info("x", value="é" * 10_000)
    assert last(stream)["value"] == "é" * log._FIELD_CHARACTERS + "…"


def test_what_libraries_log_comes_in_the_same_form(stream: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.info("nobody wants this")
    library.warning("trouble with %s", SECRET)
    event = last(stream)
    assert event["event"] == "trouble with [secret]"
    assert (event["library"], event["level"]) == ("some.library", "warning")
    assert len(stream.getvalue().splitlines()) == 1


class Nasty:
    """It can't be shown."""

    def __str__(self) -> str:
        raise LookupError(SECRET)


@pytest.mark.parametrize(
    ("level", "name"), [(35, "warning"), (45, "error"), (70, "critical")]
)
def test_a_level_without_a_name_is_the_one_below(
    stream: io.StringIO, level: int, name: str
) -> None:
    logging.getLogger("some.library").log(level, "trouble")
    assert (last(stream)["event"], last(stream)["level"]) == ("trouble", name)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("%d", (SECRET,)),
        ("%s %s", (SECRET,)),
        ("%s", (SECRET, SECRET)),
        ("%(a)s", ({SECRET: 1},)),
        ("%s", (Nasty(),)),
    ],
    ids=["kind", "few", "many", "name", "nasty"],
)
def test_a_record_that_can_not_be_read_does_not_stop_its_library(
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    arguments: tuple[object, ...],
) -> None:
    """It is told where it was logged, not what it holds."""
    ours = [h for h in logging.root.handlers if isinstance(h, log._Bridge)]
    monkeypatch.setattr(logging.root, "handlers", ours)  # pytest's would raise
    logging.getLogger("some.library").error(text, *arguments)
    event = last(stream)
    assert "test_log.py:" in event["event"]
    assert event["library"] == "some.library"
    assert SECRET not in stream.getvalue()


def test_a_stream_that_is_gone_does_not_stop_a_library(stream: io.StringIO) -> None:
    stream.close()
    logging.getLogger("some.library").error("trouble")


def test_an_exception_that_a_library_logs_is_not_lost(stream: io.StringIO) -> None:
    try:
        raise OSError(f"no route {SECRET}")
    except OSError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    (exception,) = last(stream)["exception"]
    assert exception["exc_value"] == "no route [secret]"


def test_the_imap_library_never_logs_what_it_sends(stream: io.StringIO) -> None:
    configure_logging(stream, verbose=True)
    logging.getLogger("aioimaplib.aioimaplib").debug("LOGIN ann %s", "other-word")
    assert stream.getvalue() == ""
