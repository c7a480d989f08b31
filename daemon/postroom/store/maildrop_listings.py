"""What a listing of a maildrop means: what is known, what is new, what is gone.

Invariants: a unique-id alone never makes a message known: it has the size it had as
well, and was not removed. A row is `vanished` only when it is certain that the listing
does not have it: while it may be one of those that are unidentified, it is `sought`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from postroom.ports import Item, Listed, Roll
from postroom.store.maildrop_adopting import are_renamed, pair_by_size
from postroom.store.maildrop_items import (
    Known,
    add,
    items_of,
    mark,
    note_found,
    read,
    with_names,
)
from postroom.store.maildrops import Drop, Moment, meet, save
from postroom.store.schema import maildrop_item

# A maildrop is taken for renumbered when more than so many were there, all but a tenth
# of them are gone, and more than so many have come.
_MANY = 20

# A server is taken for one that hides what was retrieved when so many or more that were
# stored after the last listing are gone, all of them, and none stored before is there.
_FEW = 3


@dataclass
class _Sorted:
    """A listing, sorted by what is known of its messages."""

    known: dict[Listed, Known] = field(default_factory=dict)
    adopted: dict[Listed, Known] = field(default_factory=dict)
    new: list[Listed] = field(default_factory=list)
    unidentified: list[Listed] = field(default_factory=list)
    renumbered: bool = False


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
    found = _sort(listing, _by_name(connection, before, listing, there))
    _adopt_renamed(found, there)
    note_found(connection, before.uidvalidity, _named_anew(found))
    change = _compare(found, there)
    _note_change(connection, before, change, moment.now)
    drop = _noted(before.at(moment), found, change, there)
    save(connection, drop)
    new = {uid: (each, None) for uid, each in enumerate(found.new, before.uidnext)}
    added = add(connection, drop.uidvalidity, new, moment.now)
    items = {listed.number: row.item for listed, row in found.known.items()} | added
    numbers = tuple(each.number for each in found.unidentified)
    return Roll(items, numbers, renumbered=_is_doubtful(drop, items.values()))


# -- sorting ---------------------------------------------------------------------------


def _by_name(
    connection: Connection,
    drop: Drop,
    listing: Sequence[Listed],
    there: Sequence[Known],
) -> Mapping[str, Sequence[Known]]:
    """What is known under each unique-id of the listing: of those that are not there,
    only where the name is of none that is."""
    by_name: defaultdict[str, list[Known]] = defaultdict(list)
    for row in there:
        by_name[row.uidl].append(row)
    open_names = {
        each.uidl
        for each in listing
        if each.uidl and all(row.may_be_removed for row in by_name[each.uidl])
    }
    for row in with_names(connection, drop.uidvalidity, open_names):
        if row.vanished is not None:
            by_name[row.uidl].append(row)
    return by_name


def _sort(listing: Sequence[Listed], by_name: Mapping[str, Sequence[Known]]) -> _Sorted:
    found = _Sorted()
    for each in listing:
        rows = by_name.get(each.uidl, ()) if each.uidl else ()
        unremoved = [row for row in rows if not row.may_be_removed]
        adopted = [row for row in unremoved if row.adopted]
        if adopted:
            found.adopted[each] = adopted[0]
        elif [row.size for row in unremoved] == [each.size]:
            found.known[each] = unremoved[0]
        elif rows or not each.uidl:
            found.unidentified.append(each)
        else:
            found.new.append(each)
    return found


def _adopt_renamed(found: _Sorted, there: Sequence[Known]) -> None:
    """Recognise adopted ones that go by no name, or all at once by another."""
    named = {row.uid for row in found.adopted.values()}
    missing = [row for row in there if row.adopted and row.uid not in named]
    nameless = [each for each in found.unidentified if not each.uidl]
    pairs = pair_by_size(missing, nameless)
    found.adopted |= pairs
    found.unidentified = [each for each in found.unidentified if each not in pairs]
    here = {row.uid for row in (*found.known.values(), *found.adopted.values())}
    kept = [row for row in there if _is_kept(row)]
    missing = [row for row in kept if row.uid not in here]
    found.renumbered = _are_many(kept, missing, found.new)
    pairs = pair_by_size(missing, found.new)
    if found.renumbered or are_renamed(missing, pairs.values()):
        renamed = {each: row for each, row in pairs.items() if row.adopted}
        found.adopted |= renamed
        found.new = [each for each in found.new if each not in renamed]


def _named_anew(found: _Sorted) -> dict[int, Listed]:
    """The adopted ones that have another name or size now, by UID."""
    return {
        row.uid: each if each.uidl else replace(each, uidl=row.uidl)
        for each, row in found.adopted.items()
        if (each.uidl or row.uidl, each.size) != (row.uidl, row.size)
    }


def _compare(found: _Sorted, there: Sequence[Known]) -> _Change:
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


def _noted(drop: Drop, found: _Sorted, change: _Change, there: Sequence[Known]) -> Drop:
    uidnext = drop.uidnext + len(found.new)
    return replace(
        drop,
        uidnext=uidnext,
        listings=drop.listings + 1,
        unidentified=len(found.unidentified),
        doubtful=uidnext if found.renumbered else drop.doubtful,
        hides=_hides(drop, found, change, there),
    )


def _are_many(
    kept: Sequence[Known], missing: Sequence[Known], new: Sequence[Listed]
) -> bool:
    """True if nearly all that were there are gone, and as good as others have come."""
    gone = len(missing) > 0.9 * len(kept)
    return len(kept) > _MANY and gone and len(new) > _MANY


def _is_doubtful(drop: Drop, items: Collection[Item]) -> bool:
    """True while many are not stored that came with a renumbering: the daemon may have
    been ended before they were."""
    doubtful = [each for each in items if not each.stored and each.uid < drop.doubtful]
    return len(doubtful) > _MANY


def _hides(drop: Drop, found: _Sorted, change: _Change, there: Sequence[Known]) -> bool:
    """True if it seems to hide what was retrieved; until one of those is there again.

    One that a person deletes is alone, or others stay that were stored before.
    """
    if any(row.vanished is not None and _is_kept(row) for row in found.known.values()):
        return False
    gone = {row.uid for row in change.gone}
    latest = {
        row.uid
        for row in there
        if row.stored and _is_kept(row) and row.listing == drop.listings
    }
    stays = any(_is_kept(row) for row in found.known.values())
    return drop.hides or (len(latest) >= _FEW and latest <= gone and not stays)


def _is_kept(row: Known) -> bool:
    """True of one that is stored, and that the server was not asked to remove."""
    return (row.stored is not None or row.adopted) and not row.may_be_removed
