"""Which messages of a listing are known by their names, and which are not.

Invariant: a unique-id alone never makes a message known: it has the size it had as
well, and was not removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from postroom.ports import Listed
from postroom.store.maildrop_adopting import are_renamed, pair_by_size
from postroom.store.maildrop_doubting import is_another, is_doubted
from postroom.store.maildrop_items import Known, with_names
from postroom.store.maildrops import Drop

# A maildrop is taken for renumbered when more than so many were there, all but a tenth
# of them are gone, and more than so many have come.
_MANY = 20


@dataclass
class Sorted:
    """A listing, sorted by what is known of its messages. `others` were there before
    postroom, in another maildrop than the one it knew."""

    known: dict[Listed, Known] = field(default_factory=dict)
    adopted: dict[Listed, Known] = field(default_factory=dict)
    new: list[Listed] = field(default_factory=list)
    unidentified: list[Listed] = field(default_factory=list)
    others: list[Listed] = field(default_factory=list)
    renumbered: bool = False


def sort(
    connection: Connection,
    drop: Drop,
    listing: Sequence[Listed],
    there: Sequence[Known],
) -> Sorted:
    """Sort a listing; `there` are those that were in the maildrop until now."""
    by_name = _by_name(connection, drop, listing, there)
    found = _by_marks(listing, by_name, doubted=any(map(is_doubted, there)))
    _adopt_renamed(found, there)
    if is_another(there, found.adopted.values()):
        found.others = [*found.new, *found.unidentified]
        found.new, found.unidentified = [], []
    return found


def named_anew(found: Sorted) -> dict[int, Listed]:
    """The adopted ones that have another name or size now, by UID."""
    return {
        row.uid: each if each.uidl else replace(each, uidl=row.uidl)
        for each, row in found.adopted.items()
        if (each.uidl or row.uidl, each.size) != (row.uidl, row.size)
    }


def is_kept(row: Known) -> bool:
    """True of one that is stored, and that the server was not asked to remove."""
    return (row.stored is not None or row.adopted) and not row.may_be_removed


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


def _by_marks(
    listing: Sequence[Listed],
    by_name: Mapping[str, Sequence[Known]],
    *,
    doubted: bool,
) -> Sorted:
    found = Sorted()
    for each in listing:
        rows = by_name.get(each.uidl, ()) if each.uidl else ()
        unremoved = [row for row in rows if not row.may_be_removed]
        adopted = [row for row in unremoved if _is_adopted(row, each)]
        if adopted:
            found.adopted[each] = adopted[0]
        elif [row.size for row in unremoved] == [each.size]:
            found.known[each] = unremoved[0]
        elif rows or doubted or not each.uidl:
            found.unidentified.append(each)
        else:
            found.new.append(each)
    return found


def _is_adopted(row: Known, listed: Listed) -> bool:
    """True if this was there before postroom, and is still called so. In a maildrop
    that may be another one it has its size as well."""
    return row.adopted and (not row.sought or row.size == listed.size)


def _adopt_renamed(found: Sorted, there: Sequence[Known]) -> None:
    """Recognise adopted ones that go by no name, or all at once by another."""
    named = {row.uid for row in found.adopted.values()}
    missing = [row for row in there if row.adopted and row.uid not in named]
    nameless = [each for each in found.unidentified if not each.uidl]
    pairs = pair_by_size(missing, nameless)
    found.adopted |= pairs
    found.unidentified = [each for each in found.unidentified if each not in pairs]
    here = {row.uid for row in (*found.known.values(), *found.adopted.values())}
    kept = [row for row in there if is_kept(row)]
    missing = [row for row in kept if row.uid not in here]
    found.renumbered = _are_many(kept, missing, found.new)
    pairs = pair_by_size(missing, found.new)
    if found.renumbered or are_renamed(missing, pairs.values()):
        renamed = {each: row for each, row in pairs.items() if row.adopted}
        found.adopted |= renamed
        found.new = [each for each in found.new if each not in renamed]


def _are_many(
    kept: Sequence[Known], missing: Sequence[Known], new: Sequence[Listed]
) -> bool:
    """True if nearly all that were there are gone, and as good as others have come."""
    gone = len(missing) > 0.9 * len(kept)
    return len(kept) > _MANY and gone and len(new) > _MANY
