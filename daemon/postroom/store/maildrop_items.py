"""The messages of a maildrop, as their rows tell of them.

Invariant: a row is of one message; which of its marks may be there together is told in
`schema_maildrop.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from postroom.ports import Item, Listed
from postroom.store.many import Many
from postroom.store.schema import maildrop_item
from postroom.store.slices import finding, found, slices

_MOST_BREAKS = 3
_LEAST_SPAN = timedelta(minutes=10)


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
    adopted: bool
    asked: datetime | None
    broken: int
    broken_since: datetime | None
    broken_last: datetime | None

    @property
    def item(self) -> Item:
        """What others are told of it."""
        return Item(self.uid, self.since, self.stored is not None, self._is_broken)

    @property
    def may_be_removed(self) -> bool:
        """True of one that was removed, or may have been: no answer came."""
        return self.removed is not None or self.asked is not None

    @property
    def _is_broken(self) -> bool:
        if self.broken_since is None or self.broken_last is None:
            return False
        # A network that is down for a while must put no message aside.
        lasted = self.broken_last - self.broken_since >= _LEAST_SPAN
        return lasted and self.broken >= _MOST_BREAKS

    @property
    def is_missing(self) -> bool:
        """True while the last listing's message that it is has not been found."""
        return self.sought or self.vanished is not None


# What is found by a few values is not asked for anything else that there is an index
# of: the database might go by that one, through all that the maildrop ever held.
_ITEMS = select(*(maildrop_item.c[field.name] for field in fields(Known)))
_OF_DROP = maildrop_item.c.uidvalidity == bindparam("uidvalidity")
_MISSING = or_(maildrop_item.c.vanished.is_not(None), maildrop_item.c.sought.is_(True))
BY_UID, BY_NAME, BY_HASH = (
    finding(_ITEMS.where(_OF_DROP), column)
    for column in (
        maildrop_item.c.uid,
        maildrop_item.c.uidl,
        maildrop_item.c.content_hash,
    )
)
MISSING_BY_HASH = BY_HASH.where(_MISSING)

_NEW = (
    *("uidvalidity", "uid", "uidl", "size", "content_hash", "since", "sought"),
    *("adopted", "broken"),
)
_ADD = Many(insert(maildrop_item), _NEW)


def items_of(uidvalidity: int) -> Select[Any]:
    """Its messages, for `read`."""
    return _ITEMS.where(maildrop_item.c.uidvalidity == uidvalidity)


def read(connection: Connection, query: Select[Any]) -> list[Known]:
    """What a query made of `items_of` finds."""
    return [Known(*row) for row in connection.execute(query)]


def with_uids(
    connection: Connection, uidvalidity: int, uids: Iterable[int]
) -> list[Known]:
    """Its messages with these UIDs."""
    return _read(connection, BY_UID, uidvalidity, uids)


def with_names(
    connection: Connection, uidvalidity: int, names: Iterable[str]
) -> list[Known]:
    """Its messages with these unique-ids."""
    return _read(connection, BY_NAME, uidvalidity, names)


def with_hashes(
    connection: Connection, uidvalidity: int, hashes: Iterable[str]
) -> list[Known]:
    """Its messages with octets of these hashes."""
    return _read(connection, BY_HASH, uidvalidity, hashes)


def missing_with_hashes(
    connection: Connection, uidvalidity: int, hashes: Iterable[str]
) -> list[Known]:
    """Those of them that are missing."""
    return _read(connection, MISSING_BY_HASH, uidvalidity, hashes)


def _read(
    connection: Connection, query: Select[Any], uidvalidity: int, values: Iterable[Any]
) -> list[Known]:
    rows = found(connection, query, [*values], uidvalidity=uidvalidity)
    return [Known(*tuple(row)) for row in rows]


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
            "adopted": False,
            "broken": 0,
        }
        for uid, (listed, content_hash) in new.items()
    ]
    _ADD.execute(connection, rows)
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
    connection: Connection, uidvalidity: int, there: Mapping[int, Listed]
) -> None:
    """Note that the messages of these UIDs are there, and under which names."""
    change = (
        update(maildrop_item)
        .where(maildrop_item.c.uidvalidity == uidvalidity)
        .where(maildrop_item.c.uid == bindparam("of_uid"))
        .values(uidl=bindparam("new_uidl"), size=bindparam("new_size"))
        .values(vanished=None, sought=False, removed=None, asked=None)
    )
    rows: Sequence[Mapping[str, object]] = [
        {"of_uid": uid, "new_uidl": listed.uidl, "new_size": listed.size}
        for uid, listed in there.items()
    ]
    if rows:
        connection.execute(change, rows)
