"""Messages of a maildrop that are durable here, and those it has merely renamed.

Invariant: a message that was stored, was not removed and has left the listing is taken
for the equal one that has come under another name: it goes on under its own UID.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, func, update

from postroom.errors import StoreError
from postroom.ports import Listed, Stored
from postroom.store.maildrop_items import (
    Known,
    missing_with_hashes,
    note_found,
    with_uids,
)
from postroom.store.maildrops import Drop, Moment, meet, save
from postroom.store.many import Many
from postroom.store.schema import maildrop_item
from postroom.store.slices import slices

_NOTE_STORED = Many(
    update(maildrop_item)
    .where(maildrop_item.c.uidvalidity == bindparam("of_drop"))
    .where(maildrop_item.c.uid == bindparam("of_uid"))
    .values(
        content_hash=bindparam("new_hash"),
        stored=bindparam("at"),
        counted=bindparam("at_count"),
        listing=bindparam("at_listing"),
    )
)


def note_stored(
    connection: Connection,
    account_name: str,
    stored: Collection[Stored],
    moment: Moment,
) -> frozenset[int]:
    """Note that these are durable here; the UIDs of those that were known before."""
    drop = meet(connection, account_name, moment).at(moment)
    save(connection, drop)
    hashes = {each.uid: each.content_hash for each in stored}
    rows = {row.uid: row for row in with_uids(connection, drop.uidvalidity, hashes)}
    void = frozenset(hashes) - frozenset(rows)
    if never_given := [uid for uid in void if uid >= drop.uidnext]:
        raise StoreError(f"the UIDs {never_given} of {account_name} were never given")
    first = [row for row in rows.values() if row.stored is None]
    _note_stored(connection, drop, {row.uid: hashes[row.uid] for row in first})
    listed = {row.uid: row for row in first if not row.is_missing}
    return void | _renamed(connection, drop, hashes, listed)


def _note_stored(connection: Connection, drop: Drop, hashes: Mapping[int, str]) -> None:
    common = {
        "of_drop": drop.uidvalidity,
        "at": drop.counted_at,
        "at_count": drop.counted,
        "at_listing": drop.listings,
    }
    rows = [{"of_uid": uid, "new_hash": name, **common} for uid, name in hashes.items()]
    _NOTE_STORED.execute(connection, rows)


def _renamed(
    connection: Connection,
    drop: Drop,
    hashes: Mapping[int, str],
    listed: Mapping[int, Known],
) -> frozenset[int]:
    """Those that are no new messages: an equal one that was stored has left the
    listing, and was not removed. It goes on under its own UID; each does so once."""
    missing: defaultdict[str, list[int]] = defaultdict(list)
    wanted = {hashes[uid] for uid in listed}
    for row in missing_with_hashes(connection, drop.uidvalidity, wanted):
        if row.stored and not row.may_be_removed and row.content_hash:
            missing[row.content_hash].append(row.uid)
    pairs = {uid: missing[hashes[uid]].pop() for uid in listed if missing[hashes[uid]]}
    _take_over(connection, drop, {old: listed[new] for new, old in pairs.items()})
    return frozenset(pairs)


def _take_over(connection: Connection, drop: Drop, names: Mapping[int, Known]) -> None:
    """Have the rows of these UIDs go on under the names of new ones, which are void."""
    is_its = maildrop_item.c.uidvalidity == drop.uidvalidity
    for part in slices([new.uid for new in names.values()]):
        void = maildrop_item.c.uid.in_(part)
        connection.execute(delete(maildrop_item).where(is_its, void))
    found = {old: Listed(0, new.size, new.uidl) for old, new in names.items()}
    note_found(connection, drop.uidvalidity, found)


def note_broken(
    connection: Connection, account_name: str, uid: int, moment: Moment
) -> None:
    """Count one more connection that ended while this one was to come."""
    drop = meet(connection, account_name, moment)
    columns = maildrop_item.c
    change = (
        update(maildrop_item)
        .where(columns.uidvalidity == drop.uidvalidity, columns.uid == uid)
        .values(
            broken=columns.broken + 1,
            broken_since=func.coalesce(
                columns.broken_since,
                bindparam(None, moment.now, type_=columns.broken_since.type),
            ),
            broken_last=moment.now,
        )
    )
    connection.execute(change)
