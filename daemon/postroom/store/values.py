"""Values in the form in which every database keeps them: moments, and any text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment, kept as an integer: microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> int | None:
        """The microseconds; a naive time is a TypeError."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(
        self, value: int | None, dialect: Dialect
    ) -> datetime | None:
        """The moment, aware, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def storable(text: str) -> str:
    """The text as every database takes it: what none takes is written as escapes.

    Octets that are no UTF-8 arrive as lone surrogates, which SQLite refuses, and
    PostgreSQL refuses NUL.
    """
    if text.isascii() and "\0" not in text:
        return text
    encoded = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8")


class Words(TypeDecorator[str]):
    """Text, which may come from a stranger; the same is always kept as the same."""

    impl = Text
    cache_ok = True

    # Not `process_bind_param`: with that each value takes three calls instead of one.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """What brings a text into a form that can be kept."""
        return _storable


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
