"""One statement for many rows: kept as one by one, and never in part."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, update

from postroom.errors import StoreError
from postroom.store.dialects import writing_engine
from postroom.store.many import Many
from postroom.store.schema import effect, memory
from tests.store.samples import NOON, with_store
from tests.store.test_lookups import nothing

COLUMNS = ("plugin", "key", "text", "until")
ODD = "lone \udcff, nul \0, quote ' and \""


def test_rows_are_kept_as_the_database_toolkit_keeps_them(path: Path) -> None:
    with_store(path, nothing)
    one = {"plugin": "acme", "key": "one", "text": ODD, "until": NOON}
    later = {"of_key": "two", "new_text": f"{ODD}!", "at": NOON + timedelta(hours=1)}
    change = (
        update(memory)
        .where(memory.c.key == bindparam("of_key"))
        .values(text=bindparam("new_text"), until=bindparam("at"))
    )
    engine = writing_engine(path)
    with engine.begin() as connection:
        connection.execute(insert(memory), [one])
        Many(insert(memory), COLUMNS).execute(
            connection, [one | {"key": key} for key in ("two", "three")]
        )
        Many(change).execute(connection, [later])
        rows = connection.execute(select(memory.c.key, memory.c.text, memory.c.until))
        kept = {row.key: (row.text, row.until) for row in rows}
    engine.dispose()
    assert kept["three"] == kept["one"]
    assert kept["two"] == (f"{kept['one'][0]}!", later["at"])


def test_without_rows_nothing_is_executed(path: Path) -> None:
    with_store(path, nothing)
    engine = writing_engine(path)
    with engine.begin() as connection:
        Many(insert(memory), COLUMNS).execute(connection, [])
        assert connection.execute(select(memory.c.key)).all() == []
    engine.dispose()


def test_a_statement_that_leaves_values_to_defaults_is_refused(path: Path) -> None:
    with_store(path, nothing)
    row = {"message": 1, "kind": "move", "rule": "Invoices"}
    engine = writing_engine(path)
    with engine.begin() as connection, pytest.raises(StoreError, match="are named"):
        Many(insert(effect), [*row]).execute(connection, [row])
    engine.dispose()
