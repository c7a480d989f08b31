"""What came of deliveries, and what that means for the messages that caused them.

Invariants: every attempt leaves a row with its reply. An effect that sends is done when
each of its deliveries is `delivered`, and never while one may still be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from postroom.errors import StoreError
from postroom.mail.envelope import Retry
from postroom.ports import (
    DeliveryResult,
    DeliveryState,
    EffectState,
    Receipt,
)
from postroom.store.expunges import WITHDRAWN, ready_to_expunge
from postroom.store.finishing import finish_messages
from postroom.store.schema import attempt, delivery, effect, outgoing
from postroom.store.slices import rows_where
from postroom.store.states import (
    DELIVERIES,
    EFFECTS,
    OPEN_DELIVERIES,
    TAKEN_AWAY,
    WAITING_DELIVERIES,
)
from postroom.store.waits import is_sought

_AT_REST = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)
_REFUSED = (DeliveryState.FAILED, DeliveryState.BOUNCED)

_ENDED: dict[str, BindParameter[Any]] = {
    name: bindparam(f"new_{name}")
    for name in ("outcome", "charged", "code", "reply", "ended")
}
_END_ATTEMPT = (
    update(attempt)
    .where(attempt.c.delivery_id == bindparam("of_delivery"))
    .where(attempt.c.ended.is_(None))
    .values(_ENDED)
)
# It never came to the final dot: refused, or there was no transaction.
_SHORT_ATTEMPT = insert(attempt).values(
    _ENDED
    | {"delivery_id": bindparam("of_delivery"), "started": bindparam("new_ended")}
)

# At the final dot, before it was sent.
_PAST_DOT = DeliveryState.SENDING

# How the reply of a delivery ends that postroom itself did not see the end of.
INTERRUPTED = "ended before the reply to the final dot"


@dataclass(frozen=True)
class _Delivery:
    """A delivery before its result: where it stands, and whom it concerns."""

    state: str
    attempts: int
    begun: int
    retry: str
    effect: int


def settle(
    connection: Connection, results: Sequence[DeliveryResult], now: datetime
) -> frozenset[tuple[str, str]]:
    """Record results; the mailboxes whose held-back expunges may now go on.

    Of a delivery that the owner took away meanwhile only the attempt is recorded.
    """
    rows = _deliveries(connection, [result.id for result in results])
    _record_attempts(connection, rows, results, now)
    changes = [
        _change(rows[result.id], result, now)
        for result in results
        if rows[result.id].state not in TAKEN_AWAY
    ]
    DELIVERIES.advance(connection, changes)
    effects = {row.effect for row in rows.values()}
    messages = settle_effects(connection, effects, now)
    finish_messages(connection, messages, now)
    return ready_to_expunge(connection, messages)


def recover(
    connection: Connection,
    now: datetime,
    relay: str | None = None,
    sought: Collection[str] = (),
) -> int:
    """Settle what was past the final dot when the daemon, or sending to this relay,
    ended; how many that were. Those of relays in `sought` are to be looked for."""
    query = select(delivery.c.id, outgoing.c.relay).join(outgoing)
    query = query.where(delivery.c.state == DeliveryState.SENDING)
    if relay is not None:
        query = query.where(outgoing.c.relay == relay)
    ended = "the daemon" if relay is None else "sending to this relay"
    lost = Receipt(DeliveryState.UNKNOWN, reply=f"{ended} {INTERRUPTED}")
    results = [
        DeliveryResult(
            row.id,
            lost,
            now,
            look=now if row.relay in sought else None,
            ends=relay is not None,
        )
        for row in connection.execute(query)
    ]
    settle(connection, results, now)
    return len(results)


def _deliveries(connection: Connection, ids: Sequence[int]) -> dict[int, _Delivery]:
    query = select(
        delivery.c.id,
        delivery.c.state,
        delivery.c.attempts,
        delivery.c.begun,
        outgoing.c.retry,
        outgoing.c.effect_id,
    ).join(outgoing)
    rows = {
        row.id: _Delivery(row.state, row.attempts, row.begun, row.retry, row.effect_id)
        for row in rows_where(connection, query, delivery.c.id, ids)
    }
    if missing := set(ids) - set(rows):
        raise StoreError(f"there are no deliveries {sorted(missing)}")
    return rows


# -- one delivery ----------------------------------------------------------------------


def _change(row: _Delivery, result: DeliveryResult, now: datetime) -> dict[str, object]:
    state = _next_state(row, result, now)
    waits = state in WAITING_DELIVERIES
    counted = row.state == _PAST_DOT or (result.ends and row.begun > 0)
    if waits and result.next_attempt is None:
        raise StoreError(f"delivery {result.id} is {state}, but until when?")
    return {
        "id": result.id,
        "state": state,
        "attempts": row.attempts + result.charged - counted,
        "begun": 0 if result.ends else row.begun,
        "next_attempt": result.next_attempt if waits else result.look,
        "code": result.receipt.code,
        "reply": result.receipt.reply,
        "updated": now,
    }


def _next_state(row: _Delivery, result: DeliveryResult, now: datetime) -> DeliveryState:
    """The receipt's state; an unknown one that is not looked for is sent again if its
    policy and the sender say so, and otherwise stays unknown."""
    state = result.receipt.state
    again = state is DeliveryState.UNKNOWN and row.retry == Retry.AT_LEAST_ONCE
    if not again or result.look is not None or result.next_attempt is None:
        return state
    due = result.next_attempt <= now
    return DeliveryState.QUEUED if due else DeliveryState.DELAYED


def _record_attempts(
    connection: Connection,
    rows: Mapping[int, _Delivery],
    results: Sequence[DeliveryResult],
    now: datetime,
) -> None:
    ended = [_ended(result, now) for result in results if _past_dot(rows, result)]
    if ended:
        connection.execute(_END_ATTEMPT, ended)
    short = [_ended(result, now) for result in results if not _past_dot(rows, result)]
    if short:
        connection.execute(_SHORT_ATTEMPT, short)


def _past_dot(rows: Mapping[int, _Delivery], result: DeliveryResult) -> bool:
    return rows[result.id].state == _PAST_DOT


def _ended(result: DeliveryResult, now: datetime) -> dict[str, object]:
    return {
        "of_delivery": result.id,
        "new_outcome": result.receipt.state,
        "new_charged": result.charged,
        "new_code": result.receipt.code,
        "new_reply": result.receipt.reply,
        "new_ended": now,
    }


# -- their messages --------------------------------------------------------------------


def settle_effects(
    connection: Connection, effects: Collection[int], now: datetime
) -> frozenset[int]:
    """Bring these effects to their deliveries' state; the messages they are of."""
    query = select(effect.c.id, effect.c.message, effect.c.state)
    rows = list(rows_where(connection, query, effect.c.id, list(effects)))
    states = _delivery_states(connection, effects)
    changes = [
        {"id": row.id, "state": state, "detail": detail, "updated": now}
        for row in rows
        for state, detail in [_summed_up(states[row.id])]
        if state is not None and state != row.state
    ]
    EFFECTS.advance(connection, changes)
    return frozenset(row.message for row in rows)


def _delivery_states(
    connection: Connection, effects: Collection[int]
) -> dict[int, list[str]]:
    sought = is_sought().label("sought")
    query = select(outgoing.c.effect_id, delivery.c.state, sought).join(delivery)
    states: dict[int, list[str]] = {row: [] for row in effects}
    for row in rows_where(connection, query, outgoing.c.effect_id, list(effects)):
        # What is looked for is as open as what is past its final dot.
        state = DeliveryState.SENDING if row.sought else row.state
        states[row.effect_id].append(state)
    return states


def _summed_up(states: Sequence[str]) -> tuple[EffectState | None, str]:
    """The state of an effect whose deliveries have these, None if one is still open."""
    if any(state in OPEN_DELIVERIES for state in states):
        return None, ""
    if all(state == DeliveryState.DELIVERED for state in states):
        return EffectState.DONE, ""
    undelivered = [state for state in states if state not in _AT_REST]
    if not undelivered:
        return EffectState.FAILED, WITHDRAWN
    detail = f"{len(undelivered)} of {len(states)} not delivered: {undelivered[0]}"
    refused = any(state in _REFUSED for state in undelivered)
    return EffectState.FAILED if refused else EffectState.HELD, detail
