"""What is noted: for plugins, for the owner to read, and where words came from.

Invariant: what a plugin remembers is told to that plugin alone, and only until its
time; none comes while the wall clock is doubted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    insert,
    or_,
    select,
    tuple_,
)

from postroom.store.report import Notice
from postroom.store.schema import memory, notice, vocabulary

# The notice that is there while nothing may expire.
CLOCK_WAS_SET = "clock"

# How many memories whose time has come are removed with each new one.
_SWEPT = 100


def recall(connection: Connection, plugin: str, key: str, now: datetime) -> str | None:
    """What the plugin remembers under this key, if its time has not come."""
    is_it = memory.c.plugin == plugin, memory.c.key == key
    lives = or_(memory.c.until > now, _is_clock_doubted())
    query = select(memory.c.text).where(*is_it, lives)
    return connection.execute(query).scalar()


def remember(connection: Connection, row: Mapping[str, object], now: datetime) -> None:
    """Keep this row instead of the one there was; some whose time has come go."""
    is_it = memory.c.plugin == row["plugin"], memory.c.key == row["key"]
    connection.execute(delete(memory).where(*is_it))
    connection.execute(insert(memory), row)
    name = memory.c.plugin, memory.c.key
    is_over = memory.c.until <= now, ~_is_clock_doubted()
    ended = select(*name).where(*is_over).order_by(memory.c.until)
    is_ended = tuple_(*name).in_(ended.limit(_SWEPT))
    connection.execute(delete(memory).where(is_ended))


def is_clock_doubted(connection: Connection) -> bool:
    """True while it is noted that the wall clock was set: then nothing expires."""
    return bool(connection.execute(select(_is_clock_doubted())).scalar())


def _is_clock_doubted() -> ColumnElement[bool]:
    return exists().where(notice.c.name == CLOCK_WAS_SET)


def note_notice(connection: Connection, name: str, text: str, now: datetime) -> None:
    """Keep the text under this name; an empty one takes it away."""
    connection.execute(delete(notice).where(notice.c.name == name))
    if text:
        row = {"name": name, "text": text, "updated": now}
        connection.execute(insert(notice), row)


def notices(connection: Connection) -> tuple[Notice, ...]:
    """The texts that are kept for `status`, by their names."""
    rows = connection.execute(select(notice).order_by(notice.c.name))
    return tuple(Notice(row.name, row.text, row.updated) for row in rows)


def note_vocabulary(connection: Connection, origins: Mapping[str, str]) -> None:
    """Note which plugin each of these words came with last; others stay known."""
    known = read_vocabulary(connection)
    new = {
        name: plugin for name, plugin in origins.items() if known.get(name) != plugin
    }
    for name, plugin in new.items():
        connection.execute(delete(vocabulary).where(vocabulary.c.name == name))
        connection.execute(insert(vocabulary), {"name": name, "plugin": plugin})


def read_vocabulary(connection: Connection) -> dict[str, str]:
    """The plugin that each condition and action came with last."""
    query = select(vocabulary.c.name, vocabulary.c.plugin).order_by(vocabulary.c.name)
    return {row.name: row.plugin for row in connection.execute(query)}
