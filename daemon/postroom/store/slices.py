"""Work on many keys at once: all in one query, or in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select

from postroom.store.dialects import among

SLICE = 500


def slices(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in order, at most `SLICE` at a time: databases limit how many a
    statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]


def rows_where(
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[Any],
    values: Sequence[Any],
) -> Sequence[Row[Any]]:
    """The rows whose `column` is one of the values."""
    if not values:
        return ()
    return connection.execute(query.where(among(column)), {"given": values}).all()
