"""Processors that leave nothing in an event which must not be read, or could act."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from postroom.log.redaction import escape, printable, redact

FIELD_CHARACTERS = 512

Event = MutableMapping[str, Any]


def clean(logger: object, method: str, event: Event) -> Event:
    """Redact secrets, escape controls, and cut what is long."""
    # An exception is rendered first; what is rendered is cleaned then.
    return {
        key: value if key == "exc_info" else _clean_value(value)
        for key, value in event.items()
    }


def clean_exception(logger: object, method: str, event: Event) -> Event:
    """The same for an exception that was rendered; as a text it keeps its lines."""
    if "exception" in event:
        rendered = event["exception"]
        is_text = isinstance(rendered, str)
        event["exception"] = printable(rendered) if is_text else _clean_value(rendered)
    return event


def _clean_value(value: object) -> object:
    match value:
        case str():  # first, because most are
            return _clean_text(value)
        case None | bool() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return [_clean_value(item) for item in value]
        case dict():
            return {_clean_text(key): _clean_value(each) for key, each in value.items()}
    return _clean_text(value)


def _clean_text(value: object) -> str:
    text = redact(str(value))  # before it is cut, or a part of a secret would stay
    if len(text) > FIELD_CHARACTERS:
        text = text[:FIELD_CHARACTERS] + "…"
    return escape(text)
