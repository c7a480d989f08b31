"""Values in the form in which every database keeps them: moments, and any text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text in a form that can be kept."""
        return None if value is None else storable(value)
