"""Having what was not done tried again, because the owner says so.

Invariant: only what can still be done is open again: in a mailbox, only under the
UIDVALIDITY it was planned for, and only to a message that is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.beginnings import HEADER_ONLY
from postroom.store.effects import finish_messages
from postroom.store.expunges import KEPT
from postroom.store.kinds import IN_MAILBOX, EffectKind
from postroom.store.schema import delivery, effect, mailbox, message, outgoing
from postroom.store.slices import rows_where
from postroom.store.states import DELIVERIES, EFFECTS, MESSAGES


def reopen_rule(connection: Connection, rule: str, now: datetime) -> int:
    """Have done what can be done of this rule's held effects, but for what was held
    when it was decided; how many effects that are."""
    itself = ~effect.c.detail.startswith(KEPT), ~_was_decided_held()
    query = _held().where(effect.c.rule == rule, _can_be_done(), *itself)
    return _reopen(connection, query, now)


def let_out(connection: Connection, rule: str, now: datetime) -> int:
    """Have done and sent what was held of this rule's effects when they were decided;
    how many effects that are."""
    deliveries = (
        select(delivery.c.id)
        .select_from(delivery.join(outgoing).join(effect))
        .join(message, effect.c.message == message.c.id)
        .where(effect.c.rule == rule, _was_decided_held())
        .where(delivery.c.state == DeliveryState.HELD)
        .where(delivery.c.reply == message.c.held)
    )
    change = {"state": DeliveryState.QUEUED, "next_attempt": now, "updated": now}
    rows = connection.execute(deliveries).all()
    DELIVERIES.advance(connection, [{"id": row.id, **change} for row in rows])
    query = _held().where(effect.c.rule == rule, _was_decided_held())
    return _reopen(connection, query, now)


def _reopen(connection: Connection, held: Select[Any], now: datetime) -> int:
    rows = connection.execute(held).all()
    messages = {row.message for row in rows}
    reopen_effects(connection, [row.id for row in rows], now)
    reopen_messages(connection, messages, now)
    finish_messages(connection, messages, now)
    return len(rows)


def reopen_effects(
    connection: Connection, effects: Iterable[int], now: datetime
) -> None:
    """Have these done that failed or are held, as if they had never been tried."""
    again = {
        "state": EffectState.PLANNED,
        "detail": "",
        "attempts": 0,
        "next_attempt": None,
        "updated": now,
    }
    EFFECTS.advance(connection, [{"id": row, **again} for row in effects])


def reopen_messages(
    connection: Connection, messages: Collection[int], now: datetime
) -> None:
    """Have these no longer settled, and their expunges wait that had been given up; the
    caller has them finished."""
    settled = select(message.c.id).where(message.c.state == MessageState.SETTLED)
    rows = list(rows_where(connection, settled, message.c.id, list(messages)))
    change = {"state": MessageState.DECIDED, "updated": now}
    MESSAGES.advance(connection, [{"id": row.id, **change} for row in rows])
    is_kept = effect.c.detail.startswith(KEPT)
    query = _held().where(is_kept, _can_be_done())
    kept = list(rows_where(connection, query, effect.c.message, list(messages)))
    reopen_effects(connection, [row.id for row in kept], now)


def _held() -> Select[Any]:
    return (
        select(effect.c.id, effect.c.message)
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(message, effect.c.message == message.c.id)
        .where(effect.c.state == EffectState.HELD)
    )


def _can_be_done() -> ColumnElement[bool]:
    """True of a perform that has what it needs, and of what is done in a mailbox to
    what is still there."""
    is_perform = effect.c.kind == EffectKind.PERFORM, effect.c.detail != HEADER_ONLY
    in_mailbox = and_(
        effect.c.kind.in_(IN_MAILBOX),
        effect.c.source_uidvalidity == mailbox.c.uidvalidity,
        message.c.state != MessageState.GONE,
    )
    return or_(and_(*is_perform), in_mailbox)


def _was_decided_held() -> ColumnElement[bool]:
    """True of an effect that was held because its message was."""
    return and_(message.c.held != "", effect.c.detail == message.c.held)
