"""What a listing of a maildrop means: what is known, what is new, what is gone.

Invariant: a row is `vanished` only when it is certain that the listing
does not have it: while it may be one of those that are unidentified, it is `sought`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from postroom.ports import Item, Listed, Roll
from postroom.store.maildrop_doubting import are_strange
from postroom.store.maildrop_items import (
    Known,
    add,
    items_of,
    mark,
    note_found,
    read,
)
from postroom.store.maildrop_sorting import Sorted, is_kept, named_anew, sort
from postroom.store.maildrops import Drop, Moment, meet, save
from postroom.store.schema import maildrop_item

# While more than so many that came with a renumbering are not stored, it goes on.
_MANY = 20

# A server is taken for one that hides what was retrieved when so many or more that were
# stored after the last listing are gone, all of them, and none stored before is there.
_FEW = 3


@dataclass(frozen=True)
class _Change:
    """What a listing changes: those that were there and are gone; those that may be
    among the unidentified; those that are there again."""

    gone: Sequence[Known]
    sought: Sequence[Known]
    back: Sequence[Known]


def note_listing(
    connection: Connection,
    account_name: str,
    listing: Sequence[Listed],
    moment: Moment,
) -> Roll:
    """Note what the maildrop holds now."""
    before = meet(connection, account_name, moment)
    there = read(
        connection,
        items_of(before.uidvalidity).where(maildrop_item.c.vanished.is_(None)),
    )
    found = sort(connection, before, listing, there)
    note_found(connection, before.uidvalidity, named_anew(found))
    change = _compare(found, there)
    _note_change(connection, before, change, moment.now)
    drop = _noted(before.at(moment), found, change, there)
    save(connection, drop)
    come = [*found.new, *found.others]
    new = {uid: (each, None) for uid, each in enumerate(come, before.uidnext)}
    added = add(connection, drop.uidvalidity, new, moment.now)
    left = [added.pop(each.number).uid for each in found.others]
    mark(connection, drop.uidvalidity, left, adopted=True)
    items = {listed.number: row.item for listed, row in found.known.items()} | added
    numbers = tuple(each.number for each in found.unidentified)
    strange = are_strange(there, found.unidentified)
    return Roll(items, numbers, strange or _is_doubtful(drop, items.values()))


# -- comparing -------------------------------------------------------------------------


def _compare(found: Sorted, there: Sequence[Known]) -> _Change:
    listed = [*found.known.values(), *found.adopted.values()]
    known = {row.uid for row in listed}
    missing = [row for row in there if row.uid not in known]
    names = {each.uidl for each in found.unidentified}
    return _Change(
        gone=[row for row in missing if not _may_be_among(row, names)],
        sought=[row for row in missing if _may_be_among(row, names)],
        back=[row for row in listed if row.is_missing],
    )


def _may_be_among(row: Known, names: Collection[str]) -> bool:
    """True if one of the unidentified, which have these names, may be this one. That a
    name is not listed is enough for one that was not removed: it can come back."""
    if not row.uidl:
        return bool(names)
    return row.uidl in names or (row.may_be_removed and "" in names)


# -- noting ----------------------------------------------------------------------------


def _note_change(
    connection: Connection, drop: Drop, change: _Change, now: datetime
) -> None:
    gone = [row.uid for row in change.gone]
    sought = [row.uid for row in change.sought if not row.sought]
    back = [row.uid for row in change.back]
    mark(connection, drop.uidvalidity, gone, sought=False, vanished=now)
    # The server was asked, and did so, though its answer was lost.
    removed = [row.uid for row in change.gone if row.asked and not row.removed]
    mark(connection, drop.uidvalidity, removed, removed=now, asked=None)
    mark(connection, drop.uidvalidity, sought, sought=True)
    mark(connection, drop.uidvalidity, back, sought=False, vanished=None)


def _noted(drop: Drop, found: Sorted, change: _Change, there: Sequence[Known]) -> Drop:
    uidnext = drop.uidnext + len(found.new) + len(found.others)
    return replace(
        drop,
        uidnext=uidnext,
        listings=drop.listings + 1,
        unidentified=len(found.unidentified),
        doubtful=uidnext if found.renumbered else drop.doubtful,
        hides=_hides(drop, found, change, there),
    )


def _is_doubtful(drop: Drop, items: Collection[Item]) -> bool:
    """True while many are not stored that came with a renumbering: the daemon may have
    been ended before they were."""
    doubtful = [each for each in items if not each.stored and each.uid < drop.doubtful]
    return len(doubtful) > _MANY


def _hides(drop: Drop, found: Sorted, change: _Change, there: Sequence[Known]) -> bool:
    """True if it seems to hide what was retrieved; until one of those is there again.

    One that a person deletes is alone, or others stay that were stored before.
    """
    if any(row.vanished is not None and is_kept(row) for row in found.known.values()):
        return False
    gone = {row.uid for row in change.gone}
    latest = {
        row.uid
        for row in there
        if row.stored and is_kept(row) and row.listing == drop.listings
    }
    stays = any(is_kept(row) for row in found.known.values())
    return drop.hides or (len(latest) >= _FEW and latest <= gone and not stays)
