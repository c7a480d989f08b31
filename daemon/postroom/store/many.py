"""One statement for many rows, with as little work for each row as can be.

Invariant: what is kept is what the database toolkit would keep: each value goes through
the type of its column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update

from postroom.errors import StoreError

_Values = tuple[Any, ...]


@dataclass(frozen=True)
class _Compiled:
    """The statement as the database reads it, and how its values are made of a row."""

    text: str
    read: Callable[[Mapping[str, object]], _Values]
    processors: Sequence[tuple[int, Callable[[Any], Any]]]

    def values(self, row: Mapping[str, object]) -> _Values:
        """The row's values in the order of the statement."""
        values = [*self.read(row)]
        for place, process in self.processors:
            values[place] = process(values[place])
        return tuple(values)


class Many:
    """A statement that is executed for many rows; each names all of its values.

    It is compiled once, and not anew for each size of a batch.
    """

    def __init__(self, statement: Insert | Update, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = [*columns] or None
        self._compiled: _Compiled | None = None

    def execute(
        self, connection: Connection, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Execute it for each of the rows."""
        if not rows:
            return
        if self._compiled is None:
            self._compiled = self._compile(connection.dialect)
        values = [*map(self._compiled.values, rows)]
        connection.exec_driver_sql(self._compiled.text, values)

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._columns)
        names = compiled.positiontup or ()
        types = {name: bind.type for bind, name in compiled.bind_names.items()}
        if len(names) < 2 or compiled.insert_prefetch or compiled.update_prefetch:
            raise StoreError(f"not all the values of {compiled} are named")
        made = (types[name].dialect_impl(dialect) for name in names)
        processors = [each.bind_processor(dialect) for each in made]
        return _Compiled(
            str(compiled),
            itemgetter(*names),
            [(place, each) for place, each in enumerate(processors) if each],
        )
