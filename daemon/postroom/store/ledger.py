"""The ledger of messages: what has been seen, and how often deciding it was begun.

Invariant: a message has a row, with its attempt counted, before anything is decided
about it; so a message that ends the daemon each time is known by its attempts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from postroom.errors import StoreError
from postroom.mail.message import Message, MessageKey
from postroom.ports import MessageState, Sighting
from postroom.store import earlier, placements
from postroom.store.cursors import canonical, mailbox_id
from postroom.store.fingerprints import kept, kept_where
from postroom.store.kinds import IN_MAILBOX
from postroom.store.schema import (
    account,
    effect,
    located_message,
    mailbox,
    message,
)
from postroom.store.slices import rows_where, slices
from postroom.store.states import EFFECTS, MESSAGES, OPEN_EFFECTS


@dataclass(frozen=True)
class LedgerRow:
    """A message's row: where it stands in the store, and its state."""

    id: int
    mailbox: int
    state: MessageState
    attempts: int


def rows_of(
    connection: Connection, keys: Iterable[MessageKey]
) -> dict[MessageKey, LedgerRow]:
    """The rows of those that have one."""
    found: dict[MessageKey, LedgerRow] = {}
    for (account_name, name, uidvalidity), group in _by_mailbox(keys):
        query = _rows_in(account_name, name, uidvalidity)
        uids = {key.uid: key for key in group}
        for row in rows_where(connection, query, message.c.uid, list(uids)):
            state = MessageState(row.state)
            known = LedgerRow(row.id, row.mailbox_id, state, row.attempts)
            found[uids[row.uid]] = known
    return found


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
    taken_back = [row.id for row in known.values() if _was_taken_back(row)]
    _count(connection, taken_back, 1, now)
    return told | _record(connection, new, listed, now)


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


def known_elsewhere(
    connection: Connection, messages: Sequence[Message]
) -> frozenset[MessageKey]:
    """Those that the same mailbox held, decided, under another UIDVALIDITY."""
    found: set[MessageKey] = set()
    keys = {each.key: each.fingerprint for each in messages}
    for (account_name, name, uidvalidity), group in _by_mailbox(keys):
        marks = {key: kept(keys[key]) for key in group}
        query = earlier.marks_in(account_name, name).where(
            message.c.uidvalidity != uidvalidity, earlier.was_decided()
        )
        held = {mark for _, mark in kept_where(connection, query, marks.values())}
        found |= {key for key, mark in marks.items() if mark in held}
    return frozenset(found)


def undecided(
    connection: Connection, account_name: str, name: str, uidvalidity: int
) -> list[int]:
    """UIDs of messages that the cursor passed before they were decided, ascending."""
    query = (
        select(message.c.uid)
        .select_from(located_message)
        .where(account.c.name == account_name, mailbox.c.name == canonical(name))
        .where(message.c.uidvalidity == uidvalidity)
        .where(mailbox.c.uidvalidity == uidvalidity, message.c.uid <= mailbox.c.uid)
        .where(message.c.state == MessageState.SEEN)
        .order_by(message.c.uid)
    )
    return list(connection.execute(query).scalars())


def mark_gone(
    connection: Connection, keys: Sequence[MessageKey], now: datetime
) -> None:
    """Record that these have left the server; what was to be done there has failed."""
    rows = [
        row.id
        for row in rows_of(connection, keys).values()
        if row.state is not MessageState.GONE
    ]
    _give_up_effects(connection, rows, now)
    changes = [{"id": row, "state": MessageState.GONE, "updated": now} for row in rows]
    MESSAGES.advance(connection, changes)


def _give_up_effects(
    connection: Connection, rows: Sequence[int], now: datetime
) -> None:
    query = select(effect.c.id).where(
        effect.c.state.in_(OPEN_EFFECTS), effect.c.kind.in_(IN_MAILBOX)
    )
    change = {
        "state": "failed",
        "detail": "the message has left the mailbox",
        "updated": now,
    }
    still_open = rows_where(connection, query, effect.c.message, rows)
    EFFECTS.advance(connection, [{"id": row.id, **change} for row in still_open])


# -- queries ---------------------------------------------------------------------------


def _by_mailbox(
    keys: Iterable[MessageKey],
) -> Iterator[tuple[tuple[str, str, int], list[MessageKey]]]:
    def place(key: MessageKey) -> tuple[str, str, int]:
        return key.account, canonical(key.mailbox), key.uidvalidity

    for where, group in groupby(sorted(keys, key=place), place):
        yield where, list(group)


def _rows_in(account_name: str, name: str, uidvalidity: int) -> Select[Any]:
    return (
        select(
            message.c.id,
            message.c.mailbox_id,
            message.c.uid,
            message.c.state,
            message.c.attempts,
        )
        .select_from(located_message)
        .where(account.c.name == account_name, mailbox.c.name == name)
        .where(message.c.uidvalidity == uidvalidity)
    )


# -- seeing ----------------------------------------------------------------------------


def _sighting(row: LedgerRow) -> Sighting:
    if _was_taken_back(row):
        return Sighting(MessageState.SEEN, 1)
    begun_before = row.state is MessageState.SEEN
    return Sighting(row.state, row.attempts, begun_before=begun_before)


def _was_taken_back(row: LedgerRow) -> bool:
    return row.state is MessageState.SEEN and not row.attempts


def _count(
    connection: Connection, rows: Sequence[int], change: int, now: datetime
) -> None:
    for part in slices(rows):
        counted = update(message).where(message.c.id.in_(part))
        connection.execute(
            counted.values(attempts=message.c.attempts + change, updated=now)
        )


def _record(
    connection: Connection,
    new: Mapping[MessageKey, Message],
    listed: datetime,
    now: datetime,
) -> dict[MessageKey, Sighting]:
    sightings: dict[MessageKey, Sighting] = {}
    for (account_name, name, _), group in _by_mailbox(new):
        arrivals = [new[key] for key in group]
        placed = placements.claim(connection, arrivals)
        returned = earlier.returned(connection, arrivals, listed)
        sightings |= {
            each.key: _first(each.key in placed, each.key in returned)
            for each in arrivals
        }
        row = mailbox_id(connection, account_name, name)
        rows = [_row(each, row, sightings[each.key], now) for each in arrivals]
        connection.execute(insert(message), rows)
    return sightings


def _first(placed: bool, returned: bool) -> Sighting:
    if placed:
        return Sighting(MessageState.ACKNOWLEDGED, 0, placed=True)
    if returned:
        return Sighting(MessageState.ACKNOWLEDGED, 0, returned=True)
    return Sighting(MessageState.SEEN, 1)


def _row(
    arrival: Message, mailbox_row: int, sighting: Sighting, now: datetime
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
        "first_seen": now,
        "updated": now,
    }
