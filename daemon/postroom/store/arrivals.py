"""Messages that arrive: what has been seen, and how often deciding it was begun.

Invariants: a message has a row, with its attempt counted, before anything is decided
about it; so a message that ends the daemon each time is known by its attempts. When it
gets its row it is recognised: what postroom placed, and what was put back, is no
arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from postroom.errors import StoreError
from postroom.mail.message import Message, MessageKey
from postroom.mail.names import is_inbox
from postroom.ports import MessageState, Sighting
from postroom.store import earlier, maildrops, placements
from postroom.store.cursors import mailbox_id
from postroom.store.dialects import among
from postroom.store.fingerprints import kept, kept_where
from postroom.store.ledger import LedgerRow, by_mailbox, rows_of
from postroom.store.many import Many
from postroom.store.schema import message, plan
from postroom.store.slices import rows_where

_RECORD = Many(
    insert(message),
    (
        *("mailbox_id", "uidvalidity", "uid", "message_id", "size", "received"),
        *("state", "attempts", "reason", "first_seen", "updated", "held"),
    ),
)


@dataclass(frozen=True)
class _Recording:
    """How new rows are written: what is put back was away when the mailbox was
    `listed`; the attempts that are begun; why what would go out is held, if it is."""

    listed: datetime
    now: datetime
    attempts: int
    held: str = ""


def see(
    connection: Connection,
    messages: Sequence[Message],
    listed: datetime,
    now: datetime,
) -> dict[MessageKey, Sighting]:
    """Record that deciding these is begun, and tell what is known of them.

    `listed` is when the mailbox was listed, before anything was done to it.
    """
    known = rows_of(connection, (arrival.key for arrival in messages))
    new = {each.key: each for each in messages if each.key not in known}
    told = {key: _sighting(row) for key, row in known.items()}
    unbegun = [row.id for row in known.values() if _is_unbegun(row)]
    _count(connection, unbegun, 1, now)
    return told | _record(connection, new, _Recording(listed, now, attempts=1))


def note_arrived(
    connection: Connection, messages: Sequence[Message], held: str, now: datetime
) -> None:
    """Record those that have no row, no attempt begun; what would go out of them waits
    if they are `held`.

    They are recognised now, as others are when deciding them is begun: nothing has
    been done to the mailbox since it was listed.
    """
    known = rows_of(connection, (arrival.key for arrival in messages))
    new = {each.key: each for each in messages if each.key not in known}
    _record(connection, new, _Recording(now, now, attempts=0, held=held))


def begin_again(connection: Connection, key: MessageKey, now: datetime) -> int:
    """Count one more attempt at deciding a `seen` message; how many there were."""
    row = rows_of(connection, [key]).get(key)
    if row is None or row.state is not MessageState.SEEN:
        raise StoreError(f"{key} does not wait to be decided")
    _count(connection, [row.id], 1, now)
    return row.attempts + 1


def take_back(
    connection: Connection, keys: Sequence[MessageKey], now: datetime
) -> None:
    """Take back the last attempt at those that are still `seen`."""
    rows = rows_of(connection, keys).values()
    waiting = [
        row.id for row in rows if row.state is MessageState.SEEN and row.attempts
    ]
    _count(connection, waiting, -1, now)


def unknown(
    connection: Connection, messages: Sequence[Message]
) -> frozenset[MessageKey]:
    """Those that have no row and are like none that the mailbox held before; and those
    that were noted as held, so that after a break as many are unknown as before it."""
    rows = rows_of(connection, (each.key for each in messages))
    new = [each for each in messages if each.key not in rows]
    decided = _decided_elsewhere(connection, new)
    strangers = {each.key for each in new if each.key not in decided}
    held = {row.id: key for key, row in rows.items() if row.held}
    query = select(plan.c.message)
    planned = {
        row.message for row in rows_where(connection, query, plan.c.message, [*held])
    }
    return frozenset(strangers | {held[row] for row in held if row not in planned})


def _decided_elsewhere(
    connection: Connection, messages: Sequence[Message]
) -> frozenset[MessageKey]:
    """Those that the same mailbox held, decided, under another UIDVALIDITY."""
    found: set[MessageKey] = set()
    keys = {each.key: each.fingerprint for each in messages}
    for (account_name, name, uidvalidity), group in by_mailbox(keys):
        marks = {key: kept(keys[key]) for key in group}
        query = earlier.marks_to_find(account_name, name).where(
            message.c.uidvalidity != uidvalidity, earlier.was_decided()
        )
        held = {mark for _, mark in kept_where(connection, query, marks.values())}
        found |= {key for key, mark in marks.items() if mark in held}
    return frozenset(found)


# -- seeing ----------------------------------------------------------------------------


def _sighting(row: LedgerRow) -> Sighting:
    if _is_unbegun(row):
        return Sighting(MessageState.SEEN, 1)
    begun_before = row.state is MessageState.SEEN
    return Sighting(row.state, row.attempts, begun_before=begun_before)


def _is_unbegun(row: LedgerRow) -> bool:
    return row.state is MessageState.SEEN and not row.attempts


def _count(
    connection: Connection, rows: Sequence[int], change: int, now: datetime
) -> None:
    if rows:
        attempts = message.c.attempts + change
        counted = update(message).values(attempts=attempts, updated=now)
        connection.execute(counted.where(among(message.c.id)), {"given": rows})


def _record(
    connection: Connection,
    new: Mapping[MessageKey, Message],
    how: _Recording,
) -> dict[MessageKey, Sighting]:
    sightings: dict[MessageKey, Sighting] = {}
    for (account_name, name, uidvalidity), group in by_mailbox(new):
        arrivals = [new[key] for key in group]
        drop = maildrops.find(connection, account_name)
        is_maildrop = drop and drop.uidvalidity == uidvalidity and is_inbox(name)
        placed = placements.claim(connection, arrivals)
        # Nobody puts anything back into a maildrop: it is another that is equal.
        returned = (
            frozenset()
            if is_maildrop
            else earlier.returned(connection, arrivals, how.listed)
        )
        sightings |= {
            each.key: _first(each.key in placed, each.key in returned, how.attempts)
            for each in arrivals
        }
        row = mailbox_id(connection, account_name, name)
        rows = [_row(each, row, sightings[each.key], how) for each in arrivals]
        _RECORD.execute(connection, rows)
    return sightings


def _first(placed: bool, returned: bool, attempts: int) -> Sighting:
    if placed:
        return Sighting(MessageState.ACKNOWLEDGED, 0, placed=True)
    if returned:
        return Sighting(MessageState.ACKNOWLEDGED, 0, returned=True)
    return Sighting(MessageState.SEEN, attempts)


def _row(
    arrival: Message, mailbox_row: int, sighting: Sighting, how: _Recording
) -> dict[str, object]:
    return {
        "mailbox_id": mailbox_row,
        "uidvalidity": arrival.key.uidvalidity,
        "uid": arrival.key.uid,
        "message_id": kept(arrival.fingerprint).message_id,
        "size": arrival.size,
        "received": arrival.received,
        "state": sighting.state,
        "attempts": sighting.attempts,
        "reason": "",
        "first_seen": how.now,
        "updated": how.now,
        "held": how.held,
    }
