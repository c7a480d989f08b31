"""Deliveries that are *unknown*, and looked for before their policy counts.

Invariants: their message waits as long as they are looked for. A copy that was found
proves a delivery only where each transaction that may have made it had this recipient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from postroom.mail.envelope import Retry
from postroom.ports import DeliveryResult, DeliveryState, Doubt, DueDelivery
from postroom.store.dialects import among
from postroom.store.schema import attempt, delivery, outgoing
from postroom.store.settling import INTERRUPTED, settle
from postroom.store.slices import rows_where
from postroom.store.waits import has_come, is_sought

# So many are looked for at a time.
_MOST = 500
_MAY_HAVE_LEFT_A_COPY = (DeliveryState.DELIVERED, DeliveryState.UNKNOWN)

# The times at which the final dot was reached, by recipient's delivery.
_Dots = dict[int, set[datetime]]


def due(connection: Connection, now: datetime) -> list[Doubt]:
    """Those that are to be looked for now, oldest first."""
    columns = outgoing.c.relay, outgoing.c.message_id, outgoing.c.retry
    query = (
        select(delivery, *columns, outgoing.c.created)
        .join(outgoing)
        .where(is_sought(), has_come(delivery.c.next_attempt, now))
        .order_by(delivery.c.updated, delivery.c.id)
        .limit(_MOST)
    )
    rows = connection.execute(query).all()
    dots = _dots(connection, {row.outgoing_id for row in rows})
    return [_doubt(row, dots[row.outgoing_id]) for row in rows]


def next_look(connection: Connection) -> datetime | None:
    """When the next one is to be looked for; None if none is."""
    query = select(func.min(delivery.c.next_attempt)).where(is_sought())
    return connection.execute(query).scalar()


def look_again(connection: Connection, ids: Collection[int], when: datetime) -> None:
    """Have these looked for then; `updated` goes on telling since when they are."""
    later = update(delivery).where(among(delivery.c.id), is_sought())
    connection.execute(later.values(next_attempt=when), {"given": list(ids)})


def resolve(
    connection: Connection, results: Sequence[DeliveryResult], now: datetime
) -> frozenset[tuple[str, str]]:
    """Settle these, but those that their owner has done something about meanwhile; the
    mailboxes whose held-back expunges may now go on."""
    query = select(delivery.c.id).where(is_sought())
    ids = [result.id for result in results]
    sought = {row.id for row in rows_where(connection, query, delivery.c.id, ids)}
    looked = [replace(each, ends=False) for each in results if each.id in sought]
    return settle(connection, looked, now)


def witness(connection: Connection, relay: str, before: datetime) -> str | None:
    """The Message-ID of the last message that this relay said, before then, to have
    taken; None if there is none."""
    query = (
        select(outgoing.c.message_id)
        .join(delivery)
        .where(outgoing.c.relay == relay, delivery.c.updated <= before)
        # What was found has no code: it may have been the last that was kept.
        .where(delivery.c.state == DeliveryState.DELIVERED, delivery.c.code > 0)
        .order_by(delivery.c.updated.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def _doubt(row: Row[Any], dots: _Dots) -> Doubt:
    return Doubt(
        delivery=DueDelivery(
            id=row.id,
            outgoing_id=row.outgoing_id,
            relay=row.relay,
            recipient=row.recipient,
            attempts=row.attempts,
            created=row.created,
        ),
        message_id=row.message_id,
        retry=Retry(row.retry),
        since=row.updated,
        interrupted=row.reply.endswith(INTERRUPTED),
        provable=_all(dots.values()) <= dots[row.id],
    )


def _dots(connection: Connection, messages: Collection[int]) -> dict[int, _Dots]:
    """When a copy may have been made of each of these messages, and for whom: those of
    one transaction have one time."""
    found: dict[int, _Dots] = {each: defaultdict(set) for each in messages}
    query = (
        select(delivery.c.outgoing_id, delivery.c.id, attempt.c.started)
        .join(attempt)
        .where(
            or_(
                attempt.c.outcome.in_(_MAY_HAVE_LEFT_A_COPY),
                attempt.c.outcome.is_(None),
            )
        )
        # What was noted of a look is no transaction.
        .where(attempt.c.charged)
    )
    for row in rows_where(connection, query, delivery.c.outgoing_id, list(messages)):
        found[row.outgoing_id][row.id].add(row.started)
    return found


def _all(times: Iterable[set[datetime]]) -> set[datetime]:
    return set().union(*times)
