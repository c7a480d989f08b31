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
    return found(connection, finding(query, column), values)


def finding(query: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """The query for the rows whose `column` is one of the values that `found` is given.

    Where it is made once, and not each time, most of its cost is spared.
    """
    return query.where(among(column))


def found(
    connection: Connection,
    query: Select[Any],
    values: Sequence[Any],
    **others: object,
) -> Sequence[Row[Any]]:
    """What a query made by `finding` finds; `others` are its other parameters."""
    if not values:
        return ()
    return connection.execute(query, {"given": values, **others}).all()
