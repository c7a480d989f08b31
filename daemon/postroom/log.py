"""Logging: one event with keys; JSON for machines, colour on a terminal.

Secrets that were registered never appear in any output, whatever they are part of.
Text from mail is escaped, so that it can't start a line or colour a terminal.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

_FIELD_CHARACTERS = 512
_secrets: set[str] = set()


def get_logger() -> structlog.stdlib.BoundLogger:
    """The logger that every module uses."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger())


def register_secrets(secrets: Iterable[str]) -> None:
    """Have these values redacted from now on; those under four characters are too
    common to be told from other text."""
    _secrets.update(secret for secret in secrets if len(secret) >= 4)


def configure_logging(stream: TextIO = sys.stderr, *, verbose: bool = False) -> None:
    """Send events to `stream`: in colour on a terminal, else a JSON object a line."""
    level = logging.DEBUG if verbose else logging.INFO
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _clean,
    ]
    structlog.configure(
        processors=[*shared, *_renderers(stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _bridge_libraries()


def _renderers(stream: TextIO) -> list[structlog.typing.Processor]:
    # Without locals, here and there: a traceback must not show a password.
    if stream.isatty():
        plain = structlog.dev.plain_traceback
        return [
            structlog.processors.format_exc_info,
            _clean_exception,
            structlog.dev.ConsoleRenderer(exception_formatter=plain),
        ]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(tracebacks),
        _clean_exception,
        structlog.processors.JSONRenderer(ensure_ascii=True),
    ]


class _Bridge(logging.Handler):
    """Passes what libraries log through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's text as an event of its library; never raises."""
        log = structlog.get_logger().bind(library=record.name)
        with suppress(OSError, ValueError):  # the stream is gone: nobody can be told
            log.log(_known_level(record), _text_of(record), exc_info=record.exc_info)


def _known_level(record: logging.LogRecord) -> int:
    """The level that has a name and is not above the record's."""
    return min(record.levelno // 10 * 10, logging.CRITICAL)


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - whatever is in it, its library goes on
        where = f"{record.pathname}:{record.lineno}"
        return f"what is logged at {where} can't be read: {type(error).__name__}"


def _bridge_libraries() -> None:
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)
    # At DEBUG it writes passwords and bodies.
    logging.getLogger("aioimaplib").setLevel(logging.WARNING)


def _clean(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Redact secrets, escape controls, and cut what is long."""
    # An exception is rendered first; what is rendered is cleaned then.
    return {
        key: value if key == "exc_info" else _clean_value(value)
        for key, value in event.items()
    }


def _clean_value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return [_clean_value(item) for item in value]
        case dict():
            return {_clean_text(key): _clean_value(each) for key, each in value.items()}
    return _clean_text(value)


def _clean_text(value: object) -> str:
    text = redact(str(value))  # before it is cut, or a part of a secret would stay
    if len(text) > _FIELD_CHARACTERS:
        text = text[:_FIELD_CHARACTERS] + "…"
    return _escape(text)


def _clean_exception(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The same for an exception that was rendered; as a text it keeps its lines."""
    if "exception" in event:
        rendered = event["exception"]
        is_text = isinstance(rendered, str)
        event["exception"] = printable(rendered) if is_text else _clean_value(rendered)
    return event


def redact(text: str) -> str:
    """The text with every registered secret replaced."""
    # The longest first: it may begin with another one.
    longest_first = sorted(_secrets, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(pattern, "[secret]", text) if pattern else text


def printable(text: str) -> str:
    """The text with secrets replaced and controls escaped; it keeps its lines."""
    return "\n".join(map(_escape, redact(text).split("\n")))


def _escape(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
