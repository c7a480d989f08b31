"""Queries for many keys at once: databases limit how many values a statement takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select

SLICE = 500


def slices(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in order, at most `SLICE` at a time."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]


def rows_where(
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[Any],
    values: Sequence[Any],
) -> Iterator[Row[Any]]:
    """The rows whose `column` is one of the values; ordered within a slice only."""
    for part in slices(values):
        yield from connection.execute(query.where(column.in_(part)))
