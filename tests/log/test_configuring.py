"""The log: JSON a line, no secret in it, and nothing from mail that could act."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from postroom.log import (
    configure_logging,
    flush_log,
    get_logger,
    register_secrets,
)
from postroom.log.bridge import _Bridge
from postroom.log.cleaning import FIELD_CHARACTERS
from postroom.log.configuring import Format, Level

SECRET = "canary-7d1f"


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes, which knows a secret."""
    stream = io.StringIO()
    register_secrets([SECRET])
    configure_logging(stream)
    return stream


def shown(stream: io.StringIO) -> str:
    """All that was logged."""
    flush_log()
    return stream.getvalue()


def last(stream: io.StringIO) -> dict[str, Any]:
    """The last event."""
    event: dict[str, Any] = json.loads(shown(stream).splitlines()[-1])
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
    first, second = map(json.loads, shown(stream).splitlines())
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


def test_what_is_below_the_level_is_not_logged() -> None:
    names: tuple[Level, ...] = ("debug", "info", "warning", "error")
    for index, level in enumerate(names):
        stream = io.StringIO()
        configure_logging(stream, level=level)
        for name in names:
            get_logger().log(logging.getLevelNamesMapping()[name.upper()], "x")
        logged = [json.loads(line)["level"] for line in shown(stream).splitlines()]
        assert logged == list(names[index:])


def test_a_form_is_chosen_for_any_stream() -> None:
    stream = io.StringIO()
    configure_logging(stream, format="console")
    get_logger().info("message_handled", uid=7)
    told = shown(stream)
    assert "message_handled" in told
    assert "uid=7" in told
    assert "{" not in told
    assert "\x1b" not in told  # it is no terminal
    assert "{" in on_terminal("x", format="json")


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
    assert SECRET not in shown(stream)
    assert "[secret]" in str(last(stream)["value"])
    assert last(stream)["event"] == "event [secret]"


def test_a_secret_at_the_cut_is_not_shown_in_part(stream: io.StringIO) -> None:
    get_logger().info("x", value="a" * (FIELD_CHARACTERS - 5) + SECRET)
    assert SECRET[:5] not in shown(stream)


def test_a_traceback_shows_no_secret_and_no_locals(stream: io.StringIO) -> None:
    log_failure("a local value", f"login with {SECRET} failed")
    (exception,) = last(stream)["exception"]
    assert exception["exc_type"] == "OSError"
    assert exception["exc_value"] == "login with [secret] failed"
    assert exception["frames"][-1]["name"] == "log_failure"
    assert "a local value" not in shown(stream)
    assert SECRET not in shown(stream)


def test_a_traceback_on_a_terminal_shows_no_secret_and_no_locals() -> None:
    register_secrets([SECRET])
    shown = on_terminal(f"\x1b]0;x\x07 login with {SECRET} failed")
    assert "Traceback" in shown
    assert "login with [secret] failed" in shown
    assert "a local value" not in shown
    assert "\x1b]" not in shown


def on_terminal(message: str, format: Format = "auto") -> str:
    """What a terminal gets to show of a failure."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb") as screen:
        configure_logging(terminal, format)
        log_failure("a local value", message)
        flush_log()
        return screen.read1(100_000).decode()


def test_there_are_colours_on_a_terminal_unless_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in on_terminal("x")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal("x")


def test_a_stream_that_was_sent_elsewhere_is_not_the_journal(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    path = tmp_path / "file"
    with path.open("w") as file:
        configure_logging(file)
        get_logger().info("x")
        flush_log()
    assert path.read_text().startswith("{")


def test_text_from_mail_can_neither_start_a_line_nor_colour_it(
    stream: io.StringIO,
) -> None:
    nasty = 'a\r\n{"event": "faked"}\x1b[31m\u202e\x00'
    get_logger().info("message_handled", subject=nasty, more={"in": [nasty]})
    assert len(shown(stream).splitlines()) == 1
    event = last(stream)
    expected = 'a\\r\\n{"event": "faked"}\\x1b[31m\\u202e\\x00'
    assert event["subject"] == expected
    assert event["more"] == {"in": [expected]}


def test_a_long_value_is_cut(stream: io.StringIO) -> None:
    get_logger().info("x", value="é" * 10_000)
    assert last(stream)["value"] == "é" * FIELD_CHARACTERS + "…"


def test_what_libraries_log_comes_in_the_same_form(stream: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.info("nobody wants this")
    library.warning("trouble with %s", SECRET)
    event = last(stream)
    assert event["event"] == "trouble with [secret]"
    assert (event["library"], event["level"]) == ("some.library", "warning")
    assert len(shown(stream).splitlines()) == 1


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
    ours = [h for h in logging.root.handlers if isinstance(h, _Bridge)]
    monkeypatch.setattr(logging.root, "handlers", ours)  # pytest's would raise
    logging.getLogger("some.library").error(text, *arguments)
    event = last(stream)
    assert "test_configuring.py:" in event["event"]
    assert event["library"] == "some.library"
    assert SECRET not in shown(stream)


def test_a_stream_that_is_gone_stops_nobody(stream: io.StringIO) -> None:
    stream.close()
    logging.getLogger("some.library").error("trouble")
    get_logger().error("trouble")
    flush_log()


def test_an_exception_that_a_library_logs_is_not_lost(stream: io.StringIO) -> None:
    try:
        raise OSError(f"no route {SECRET}")
    except OSError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    (exception,) = last(stream)["exception"]
    assert exception["exc_value"] == "no route [secret]"


def test_the_imap_library_never_logs_what_it_sends(stream: io.StringIO) -> None:
    configure_logging(stream, level="debug")
    logging.getLogger("aioimaplib.aioimaplib").debug("LOGIN ann %s", "other-word")
    assert shown(stream) == ""


def test_libraries_are_heard_from_warning_or_from_the_level_that_is_higher() -> None:
    for level, heard in (("debug", 2), ("warning", 2), ("error", 1)):
        stream = io.StringIO()
        configure_logging(stream, level=level)  # type: ignore[arg-type] # they are levels
        for library in ("some.library", "aioimaplib.aioimaplib"):
            for say_it in ("debug", "info"):
                getattr(logging.getLogger(library), say_it)("LOGIN ann")
        logging.getLogger("some.library").warning("trouble")
        logging.getLogger("some.library").error("trouble")
        assert len(shown(stream).splitlines()) == heard
