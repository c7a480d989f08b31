"""The messages of a maildrop, as their rows tell of them.

Invariant: a row is of one message; which of its marks may be there together is told in
`schema_maildrop.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    insert,
    select,
    update,
)

from postroom.ports import Item, Listed
from postroom.store.schema import maildrop_item
from postroom.store.slices import rows_where, slices


@dataclass(frozen=True)
class Known:
    """A message of a maildrop that is known, as its row tells of it."""

    uid: int
    uidl: str
    size: int
    content_hash: str | None
    since: datetime
    stored: datetime | None
    listing: int | None
    removed: datetime | None
    vanished: datetime | None
    sought: bool

    @property
    def item(self) -> Item:
        """What others are told of it."""
        return Item(self.uid, self.since, self.stored is not None)

    @property
    def is_missing(self) -> bool:
        """True while the last listing's message that it is has not been found."""
        return self.sought or self.vanished is not None


_COLUMNS = [maildrop_item.c[field.name] for field in fields(Known)]


def items_of(uidvalidity: int) -> Select[Any]:
    """Its messages, for `read` and `read_where`."""
    return select(*_COLUMNS).where(maildrop_item.c.uidvalidity == uidvalidity)


def read(connection: Connection, query: Select[Any]) -> list[Known]:
    """What a query made of `items_of` finds."""
    return [Known(*row) for row in connection.execute(query)]


def read_where(
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[Any],
    values: Iterable[Any],
) -> Iterator[Known]:
    """What it finds whose `column` is one of the values."""
    for row in rows_where(connection, query, column, list(values)):
        yield Known(*tuple(row))


def add(
    connection: Connection,
    uidvalidity: int,
    new: Mapping[int, tuple[Listed, str | None]],
    now: datetime,
) -> dict[int, Item]:
    """Note new messages by their UIDs, with their hash where it is known; by number."""
    rows = [
        {
            "uidvalidity": uidvalidity,
            "uid": uid,
            "uidl": listed.uidl,
            "size": listed.size,
            "content_hash": content_hash,
            "since": now,
            "sought": False,
        }
        for uid, (listed, content_hash) in new.items()
    ]
    if rows:
        connection.execute(insert(maildrop_item), rows)
    return {listed.number: Item(uid, now) for uid, (listed, _) in new.items()}


def mark(
    connection: Connection, uidvalidity: int, uids: Collection[int], **values: object
) -> None:
    """Give the rows of these UIDs the same values."""
    of_drop = update(maildrop_item).where(maildrop_item.c.uidvalidity == uidvalidity)
    for part in slices(list(uids)):
        connection.execute(
            of_drop.where(maildrop_item.c.uid.in_(part)).values(**values)
        )


def note_found(
    connection: Connection, uidvalidity: int, found: Mapping[int, Listed]
) -> None:
    """Note that the messages of these UIDs are there, and under which names."""
    change = (
        update(maildrop_item)
        .where(maildrop_item.c.uidvalidity == uidvalidity)
        .where(maildrop_item.c.uid == bindparam("of_uid"))
        .values(uidl=bindparam("new_uidl"), size=bindparam("new_size"))
        .values(vanished=None, sought=False, removed=None)
    )
    rows: Sequence[Mapping[str, object]] = [
        {"of_uid": uid, "new_uidl": listed.uidl, "new_size": listed.size}
        for uid, listed in found.items()
    ]
    if rows:
        connection.execute(change, rows)
