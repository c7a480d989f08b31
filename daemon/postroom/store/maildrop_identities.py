"""Recognising messages of a maildrop by their octets.

Invariants: in one listing each row is of one message: two that are equal are two. One
that was removed is recognised only if the server kept it: it has its name, or no
listing was without it since. Else it is another that is equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from postroom.ports import Item, Listed
from postroom.store.maildrop_items import (
    Known,
    add,
    items_of,
    mark,
    note_found,
    read,
    with_hashes,
)
from postroom.store.maildrops import Drop, Moment, meet, save
from postroom.store.schema import maildrop_item


def identify(
    connection: Connection,
    account_name: str,
    found: Mapping[Listed, str],
    moment: Moment,
) -> Mapping[int, Item]:
    """Recognise these by their hashes, or give them a UID; by their numbers."""
    drop = meet(connection, account_name, moment)
    rows = with_hashes(connection, drop.uidvalidity, set(found.values()))
    pairs = _pair(found, sorted(filter(_is_free, rows), key=_surest_first))
    others = [listed for listed in found if listed not in pairs]
    new = {
        uid: (listed, found[listed]) for uid, listed in enumerate(others, drop.uidnext)
    }
    note_found(
        connection, drop.uidvalidity, {row.uid: each for each, row in pairs.items()}
    )
    added = add(connection, drop.uidvalidity, new, moment.now)
    _note(connection, drop, len(found), len(new), moment.now)
    return {each.number: row.item for each, row in pairs.items()} | added


def _note(
    connection: Connection, drop: Drop, found: int, new: int, now: datetime
) -> None:
    """Once all of the listing are identified, what is sought is certainly not there."""
    left = max(drop.unidentified - found, 0)
    save(connection, replace(drop, uidnext=drop.uidnext + new, unidentified=left))
    if not left:
        sought = items_of(drop.uidvalidity).where(
            maildrop_item.c.vanished.is_(None), maildrop_item.c.sought.is_(True)
        )
        rows = read(connection, sought)
        uids = [row.uid for row in rows]
        mark(connection, drop.uidvalidity, uids, sought=False, vanished=now)
        removed = [row.uid for row in rows if row.asked and not row.removed]
        mark(connection, drop.uidvalidity, removed, removed=now, asked=None)


# -- pairs -----------------------------------------------------------------------------


def _is_free(row: Known) -> bool:
    """True unless it is one that the listing has by its name, or that was found."""
    return not row.adopted and (row.is_missing or row.may_be_removed)


def _surest_first(row: Known) -> tuple[bool, bool, int]:
    return row.may_be_removed, not row.sought, row.uid


def _pair(found: Mapping[Listed, str], rows: Sequence[Known]) -> dict[Listed, Known]:
    """Which row each of these is of: first by the name as well, then by the octets of
    those not removed, then of those that no listing was without since."""
    pairs: dict[Listed, Known] = {}
    named = {each: (name, each.uidl) for each, name in found.items() if each.uidl}
    for marks, mark_of, fits in (
        (named, _name_and_hash, _is_any),
        (found, _hash, _is_unremoved),
        (found, _hash, _was_kept),
    ):
        taken = {row.uid for row in pairs.values()}
        free = [row for row in rows if fits(row) and row.uid not in taken]
        left = {each: mark for each, mark in marks.items() if each not in pairs}
        pairs |= _pair_by(left, free, mark_of)
    return pairs


def _pair_by(
    marks: Mapping[Listed, Hashable],
    rows: Iterable[Known],
    mark_of: Callable[[Known], Hashable],
) -> dict[Listed, Known]:
    waiting: defaultdict[Hashable, list[Known]] = defaultdict(list)
    for row in rows:
        waiting[mark_of(row)].append(row)
    for candidates in waiting.values():
        candidates.reverse()
    return {each: waiting[mark].pop() for each, mark in marks.items() if waiting[mark]}


def _name_and_hash(row: Known) -> Hashable:
    return row.content_hash, row.uidl


def _hash(row: Known) -> Hashable:
    return row.content_hash


def _is_any(row: Known) -> bool:
    return True


def _is_unremoved(row: Known) -> bool:
    return not row.may_be_removed


def _was_kept(row: Known) -> bool:
    return row.may_be_removed and row.sought
