"""What is logged, in which form, and where it goes: settled once for the process."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import structlog

from postroom.log.bridge import bridge_libraries
from postroom.log.cleaning import clean, clean_exception
from postroom.log.journal import SOCKET, is_journal, with_priority
from postroom.log.journalsink import JournalSink
from postroom.log.sink import Sink

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_FLUSH_SECONDS = 2
_sinks: list[Sink] = []


def get_logger() -> structlog.stdlib.BoundLogger:
    """The logger that every module uses."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger())


def configure_logging(
    stream: TextIO = sys.stderr,
    format: Format = "auto",
    level: Level = "info",
    journal: Path = SOCKET,
) -> None:
    """Send events of this level and above to `stream`.

    `auto` is `console` on a terminal, in colour unless `NO_COLOR` says otherwise, and a
    JSON object a line elsewhere. Where the stream is read by the journal, events go to
    its socket instead, each with its fields.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    for_journal = format == "auto" and is_journal(stream)
    processors = [*_shared(), *_renderers(stream, format, for_journal)]
    tell_dropped = _dropped_teller(processors)
    _replace_sink(
        JournalSink(stream, tell_dropped, socket_path=journal)
        if for_journal
        else Sink(stream, tell_dropped)
    )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *names: _sinks[-1],
        cache_logger_on_first_use=False,
    )
    bridge_libraries(number)


def flush_log(seconds: float = _FLUSH_SECONDS) -> None:
    """Have all that was logged written; a reader that takes nothing is not waited for
    any longer than this."""
    for sink in _sinks:
        sink.flush(seconds)


def say(text: str) -> None:
    """Tell a person what is wrong, on standard error and in its turn after what was
    logged there; a reader that takes nothing is not waited for."""
    if is_journal(sys.stderr):
        text = "\n".join(with_priority(line, "error") for line in text.split("\n"))
    if _sinks and _sinks[-1].stream is sys.stderr:
        flush_log()  # a full queue would drop it
        _sinks[-1].msg(text)
        flush_log()
    else:
        print(text, file=sys.stderr)


atexit.register(flush_log)


def _replace_sink(sink: Sink) -> None:
    while _sinks:
        _sinks.pop().close(_FLUSH_SECONDS)
    _sinks.append(sink)


def _dropped_teller(
    processors: Sequence[structlog.typing.Processor],
) -> Callable[[int], str]:
    def tell(count: int) -> str:
        event: Any = {"event": "log_records_dropped", "count": count}
        for processor in processors:
            event = processor(None, "warning", event)
        return str(event)

    return tell


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        clean,
    ]


def _renderers(
    stream: TextIO, format: Format, for_journal: bool
) -> list[structlog.typing.Processor]:
    # Without locals, here and there: a traceback must not show a password.
    if for_journal:
        return [structlog.processors.format_exc_info, clean_exception, _render_json]
    if format == "console" or (format == "auto" and stream.isatty()):
        return [
            structlog.processors.format_exc_info,
            clean_exception,
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty() and not os.environ.get("NO_COLOR"),
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(tracebacks),
        clean_exception,
        _render_json,
    ]


_render_json = structlog.processors.JSONRenderer(ensure_ascii=True)
