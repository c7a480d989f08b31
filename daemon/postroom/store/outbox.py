"""Mail that is to leave: each recipient's delivery, and every attempt at it.

Invariants: a delivery is `sending`, on the disk, before the final dot may be sent. The
octets of a retry are those of the first attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from postroom.errors import StoreError, Withdrawn
from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.ports import DeliveryState, DueDelivery, EffectState
from postroom.store import content
from postroom.store.dialects import among
from postroom.store.schema import attempt, delivery, effect, outgoing
from postroom.store.slices import rows_where
from postroom.store.states import (
    DELIVERIES,
    OPEN_DELIVERIES,
    TAKEN_AWAY,
    WAITING_DELIVERIES,
)
from postroom.store.waits import has_come

_COUNT = (
    update(delivery)
    .where(among(delivery.c.id), delivery.c.state.not_in(TAKEN_AWAY))
    .values(attempts=delivery.c.attempts + 1, begun=delivery.c.begun + 1)
)
_UNCOUNTED = and_(delivery.c.begun > 0, delivery.c.state != DeliveryState.SENDING)
_TAKE_BACK = (
    update(delivery)
    .where(among(delivery.c.id))
    .values(
        attempts=delivery.c.attempts - case((_UNCOUNTED, 1), else_=0),
        begun=0,
    )
)


def enqueue(
    connection: Connection,
    effect_id: int,
    message: Outgoing,
    now: datetime,
    *,
    held: str = "",
) -> None:
    """Keep the octets, and queue a delivery for each recipient; or where it is `held`
    for a reason, have the deliveries wait for a person."""
    row = {
        "effect_id": effect_id,
        "relay": message.relay,
        "sender": message.envelope.sender,
        "message_id": message.message_id,
        "retry": message.retry,
        "content_hash": content.keep(connection, message.content, now),
        "created": now,
    }
    made = connection.execute(insert(outgoing).returning(outgoing.c.id), row)
    queued = {
        "outgoing_id": made.scalar_one(),
        "state": DeliveryState.HELD if held else DeliveryState.QUEUED,
        "next_attempt": None if held else now,
        "reply": held,
        "updated": now,
    }
    recipients = dict.fromkeys(message.envelope.recipients)
    rows = [{"recipient": recipient, **queued} for recipient in recipients]
    connection.execute(insert(delivery), rows)


def read_outgoing(connection: Connection, outgoing_id: int) -> Outgoing:
    """The envelope and the exact bytes.

    Raises `ContentError` if they are damaged, `StoreError` if there is no such message.
    """
    found = select(outgoing).where(outgoing.c.id == outgoing_id)
    row = connection.execute(found).one_or_none()
    if row is None:
        raise StoreError(f"there is no outgoing message {outgoing_id}")
    recipients = connection.execute(
        select(delivery.c.recipient)
        .where(delivery.c.outgoing_id == outgoing_id)
        .order_by(delivery.c.id)
    )
    return Outgoing(
        relay=row.relay,
        envelope=Envelope(row.sender, tuple(recipients.scalars())),
        content=content.read(connection, row.content_hash),
        message_id=row.message_id,
        retry=Retry(row.retry),
    )


def due(
    connection: Connection, now: datetime, limit: int, relay: str | None = None
) -> list[DueDelivery]:
    """Deliveries whose time has come, oldest message first, grouped by message."""
    query = (
        select(delivery, outgoing.c.relay, outgoing.c.created)
        .join(outgoing)
        .where(_waiting(relay), _is_due(now))
        .order_by(outgoing.c.created, outgoing.c.id, delivery.c.id)
        .limit(limit)
    )
    return [
        DueDelivery(
            id=row.id,
            outgoing_id=row.outgoing_id,
            relay=row.relay,
            recipient=row.recipient,
            attempts=row.attempts,
            created=row.created,
            begun=row.begun,
        )
        for row in connection.execute(query)
    ]


def next_due(
    connection: Connection, now: datetime, relay: str | None = None
) -> datetime | None:
    """When the next delivery is due, `now` if one already is; None if none waits."""
    if due(connection, now, 1, relay):
        return now
    query = select(func.min(delivery.c.next_attempt)).join(outgoing)
    return connection.execute(query.where(_waiting(relay))).scalar()


def waiting_relays(connection: Connection) -> dict[str, int]:
    """How many deliveries wait for each relay, by its name."""
    query = (
        select(outgoing.c.relay, func.count().label("number"))
        .join(delivery)
        .where(_waiting(None))
        .group_by(outgoing.c.relay)
        .order_by(outgoing.c.relay)
    )
    return {row.relay: row.number for row in connection.execute(query)}


def count_unended(connection: Connection) -> dict[DeliveryState, int]:
    """How many deliveries are on their way out, or held, by their state."""
    query = (
        select(delivery.c.state, func.count().label("number"))
        .where(delivery.c.state.in_((*OPEN_DELIVERIES, DeliveryState.HELD)))
        .group_by(delivery.c.state)
    )
    return {DeliveryState(row.state): row.number for row in connection.execute(query)}


def _is_due(now: datetime) -> ColumnElement[bool]:
    """True of a delivery that waits and should not wait longer.

    The wall clock may have been set back: what is queued needs no time, and a time that
    is far ahead is believed only if it was noted before now, as it is where a relay's
    limit for a day was reached.
    """
    is_queued = delivery.c.state == DeliveryState.QUEUED
    time = delivery.c.next_attempt
    is_wrong = and_(has_come(time, now), delivery.c.updated > now)
    return or_(is_queued, time <= now, is_wrong)


def _waiting(relay: str | None) -> ColumnElement[bool]:
    """Deliveries that wait; of one relay, so that one that is down crowds out none."""
    waiting = delivery.c.state.in_(WAITING_DELIVERIES)
    return waiting if relay is None else and_(waiting, outgoing.c.relay == relay)


def begin_sending(connection: Connection, ids: Sequence[int]) -> None:
    """Count one more attempt at each of these.

    Raises `Withdrawn` where the owner took one of them away meanwhile.
    """
    counted = connection.execute(_COUNT, {"given": ids})
    if counted.rowcount < len(ids):
        _refuse_taken_away(_rows(connection, ids))


def take_back_sending(connection: Connection, ids: Sequence[int]) -> None:
    """Have these count as never begun, as the last attempt at each had an end; and
    uncount it, unless it was past the final dot."""
    connection.execute(_TAKE_BACK, {"given": ids})


def mark_sending(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Record that the final dot is about to be sent: an attempt without an end, counted
    now if it was not when it was begun.

    Raises `Withdrawn` where the owner took one of them away meanwhile.
    """
    rows = _rows(connection, ids)
    _refuse_taken_away(rows)
    if not ids:
        return
    if new := [row.id for row in rows if not row.begun]:
        begin_sending(connection, new)
    begun = [{"delivery_id": row, "started": now} for row in ids]
    connection.execute(insert(attempt), begun)
    change = {"state": DeliveryState.SENDING, "updated": now}
    DELIVERIES.advance(connection, [{"id": row, **change} for row in ids])
    connection.execute(_begin_sends(now), {"given": ids})


def _rows(connection: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    query = select(delivery.c.id, delivery.c.state, delivery.c.begun)
    return list(rows_where(connection, query, delivery.c.id, ids))


def _refuse_taken_away(rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        if row.state in TAKEN_AWAY:
            raise Withdrawn(f"delivery {row.id} is {row.state} by now")


def _begin_sends(now: datetime) -> Update:
    effects = select(outgoing.c.effect_id).join(delivery).where(among(delivery.c.id))
    return (
        update(effect)
        .where(effect.c.id.in_(effects), effect.c.state == EffectState.PLANNED)
        .values(state=EffectState.DOING, attempted=True, updated=now)
    )
