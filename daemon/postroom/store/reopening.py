"""Having what was not done tried again, because the owner says so.

Invariants: only what can still be done is open again: in a mailbox, only under the
UIDVALIDITY it was planned for, and only to a message that is there. Of answers within
one window that were held, one goes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.rules.effects import Perform
from postroom.store import windows
from postroom.store.codec import decode_effect, decode_window
from postroom.store.expunges import KEPT
from postroom.store.finishing import finish_messages
from postroom.store.kinds import IN_MAILBOX, EffectKind
from postroom.store.schema import delivery, effect, mailbox, message, outgoing
from postroom.store.slices import rows_where
from postroom.store.states import DELIVERIES, EFFECTS, MESSAGES


def reopen_rule(connection: Connection, rule: str, now: datetime) -> int:
    """Have done what can be done of this rule's effects that are held or failed, but
    for what was held when it was decided; how many effects that are."""
    query = _not_done().where(effect.c.rule == rule, can_be_done())
    rows = _complete(connection, query)
    reopen_effects(connection, [row.id for row in rows], now)
    return _go_on(connection, rows, now)


def let_out(connection: Connection, rule: str, now: datetime) -> int:
    """Have done and sent what was held of this rule's effects when they were decided;
    how many effects that are."""
    query = _held().where(effect.c.rule == rule, _was_decided_held())
    rows = _complete(connection, query)
    told = {row.id: _answered(connection, row, now) for row in rows}
    let_go = [row for row, answered in told.items() if not answered]
    queued = {"state": DeliveryState.QUEUED, "next_attempt": now, "updated": now}
    _change_deliveries(connection, let_go, queued)
    reopen_effects(connection, let_go, now)
    _finish_answered(connection, {row: why for row, why in told.items() if why}, now)
    return _go_on(connection, rows, now)


def _answered(connection: Connection, row: Row[Any], now: datetime) -> str:
    """Why nothing of it is sent, or nothing; then its window is taken."""
    window = decode_window(row.arguments)
    return windows.take(connection, row.account_id, window, now)


def _finish_answered(
    connection: Connection, answered: Mapping[int, str], now: datetime
) -> None:
    withdrawn = {"state": DeliveryState.WITHDRAWN, "updated": now}
    _change_deliveries(connection, answered, withdrawn)
    changes = [
        {"id": row, "state": EffectState.DONE, "detail": why, "updated": now}
        for row, why in answered.items()
    ]
    EFFECTS.advance(connection, changes)


def _change_deliveries(
    connection: Connection, effects: Iterable[int], change: Mapping[str, object]
) -> None:
    """Change those deliveries of the effects that are held as their message was."""
    query = (
        select(delivery.c.id)
        .select_from(delivery.join(outgoing).join(effect))
        .join(message, effect.c.message == message.c.id)
        .where(delivery.c.state == DeliveryState.HELD)
        .where(delivery.c.reply == message.c.held)
    )
    rows = list(rows_where(connection, query, effect.c.id, list(effects)))
    DELIVERIES.advance(connection, [{"id": row.id, **change} for row in rows])


def _go_on(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> int:
    """Have the messages of these effects go on; how many effects they are."""
    messages = {row.message for row in rows}
    reopen_messages(connection, messages, now)
    finish_messages(connection, messages, now)
    return len(rows)


def _complete(connection: Connection, held: Select[Any]) -> list[Row[Any]]:
    """Of the effects that are held, in order, those of which all is kept they need."""
    rows = connection.execute(held.order_by(effect.c.id))
    return [row for row in rows if is_complete(row)]


def is_complete(row: Row[Any]) -> bool:
    """True if all is kept that this effect needs."""
    return bool(row.content_hash) or not _needs_bytes(row)


def _needs_bytes(row: Row[Any]) -> bool:
    if row.kind != EffectKind.PERFORM:
        return False
    planned = decode_effect(row.kind, row.arguments)
    return isinstance(planned, Perform) and planned.needs_bytes


def reopen_effects(
    connection: Connection, effects: Iterable[int], now: datetime
) -> None:
    """Have these done that failed or are held, as if they had never been tried."""
    again = {
        "state": EffectState.PLANNED,
        "detail": "",
        "attempts": 0,
        "begun": 0,
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
    query = _held().where(is_kept, _is_there())
    kept = list(rows_where(connection, query, effect.c.message, list(messages)))
    reopen_effects(connection, [row.id for row in kept], now)


def rules_undone(connection: Connection) -> frozenset[str]:
    """The rules of whose effects something is held, or failed and can be done yet."""
    held = effect.c.state == EffectState.HELD
    query = _not_done().with_only_columns(effect.c.rule).where(or_(held, can_be_done()))
    return frozenset(connection.execute(query).scalars())


def _held() -> Select[Any]:
    return _not_done().where(effect.c.state == EffectState.HELD)


def _not_done() -> Select[Any]:
    return (
        select(effect)
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(message, effect.c.message == message.c.id)
        .where(effect.c.state.in_((EffectState.HELD, EffectState.FAILED)))
    )


def can_be_done() -> ColumnElement[bool]:
    """True of what was not done and can be now, but for what was held when it was
    decided, and for expunges that wait for others."""
    itself = ~effect.c.detail.startswith(KEPT), ~_was_decided_held()
    return and_(_is_there(), *itself)


def _is_there() -> ColumnElement[bool]:
    """True of a perform, and of what is done in a mailbox to what is still there."""
    in_mailbox = and_(
        effect.c.kind.in_(IN_MAILBOX),
        effect.c.source_uidvalidity == mailbox.c.uidvalidity,
        message.c.state != MessageState.GONE,
    )
    return or_(effect.c.kind == EffectKind.PERFORM, in_mailbox)


def _was_decided_held() -> ColumnElement[bool]:
    """True of an effect that was held because its message was."""
    return and_(message.c.held != "", effect.c.detail == message.c.held)
