"""The outbox as its owner sees it, and what he has done with deliveries.

Invariants: what is being sent is left alone. What the owner withdraws is never sent,
and its message never removed for good.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from postroom.errors import PermanentError
from postroom.mail.message import MessageKey
from postroom.ports import DeliveryState, EffectState
from postroom.store import content
from postroom.store.finishing import finish_messages
from postroom.store.reopening import reopen_effects, reopen_messages
from postroom.store.report import (
    AttemptReport,
    DeliveryDetail,
    DeliveryReport,
    Refusal,
)
from postroom.store.schema import account, attempt, delivery, effect, mailbox, outgoing
from postroom.store.settling import settle_effects
from postroom.store.slices import rows_where
from postroom.store.states import DELIVERIES

_HEADER = 16 * 1024
_UNDONE = (EffectState.FAILED, EffectState.HELD)


@dataclass(frozen=True)
class Wish:
    """What the owner wants done with deliveries: the columns that change, and the
    states in which they may."""

    change: Mapping[str, object]
    states: Collection[DeliveryState]


def retry(now: datetime) -> Wish:
    """Have them tried now, as if they had never been."""
    anew = {"attempts": 0, "begun": 0, "next_attempt": now}
    change = {"state": DeliveryState.QUEUED, **anew}
    ended = DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.BOUNCED
    return Wish(change, (*ended, DeliveryState.HELD, DeliveryState.DELAYED))


def hold(reason: str) -> Wish:
    """Have them wait until they are tried again or dropped."""
    told = {"code": 0, "reply": reason}
    change = {"state": DeliveryState.HELD, "next_attempt": None, **told}
    return Wish(change, (DeliveryState.QUEUED, DeliveryState.DELAYED))


def drop() -> Wish:
    """Withdraw them for good."""
    change = {"state": DeliveryState.WITHDRAWN, "next_attempt": None}
    ended = DeliveryState.DELIVERED, DeliveryState.WITHDRAWN
    allowed = set(DeliveryState) - {*ended, DeliveryState.SENDING}
    return Wish(change, allowed)


def fulfil(
    connection: Connection, wish: Wish, ids: Sequence[int], now: datetime
) -> list[Refusal]:
    """Do so with the deliveries it can be done with; why not with the others."""
    query = select(delivery.c.id, delivery.c.state, outgoing.c.effect_id).join(outgoing)
    rows = {row.id: row for row in rows_where(connection, query, delivery.c.id, ids)}
    fit = {row.id: row for row in rows.values() if row.state in wish.states}
    change = {**wish.change, "updated": now}
    DELIVERIES.advance(connection, [{"id": row, **change} for row in fit])
    _follow(connection, {row.effect_id for row in fit.values()}, now)
    return [
        Refusal(each, f"it is {rows[each].state}" if each in rows else "there is none")
        for each in dict.fromkeys(ids)
        if each not in fit
    ]


def _follow(connection: Connection, effects: Collection[int], now: datetime) -> None:
    """Have these effects and their messages follow their deliveries, wherever they
    stood."""
    query = select(effect.c.id).where(effect.c.state.in_(_UNDONE))
    undone = list(rows_where(connection, query, effect.c.id, list(effects)))
    reopen_effects(connection, [row.id for row in undone], now)
    messages = settle_effects(connection, effects, now)
    reopen_messages(connection, messages, now)
    finish_messages(connection, messages, now)


# -- to be looked at -------------------------------------------------------------------


def reports(
    connection: Connection, states: Collection[DeliveryState] | None, limit: int
) -> list[DeliveryReport]:
    """The latest deliveries, of these states if any are given, newest first."""
    query = _reported().order_by(delivery.c.id.desc()).limit(limit)
    if states is not None:
        query = query.where(delivery.c.state.in_(states))
    return [_report(row) for row in connection.execute(query)]


def detail(connection: Connection, delivery_id: int) -> DeliveryDetail:
    """All about one; `PermanentError` if there is none of this number."""
    query = _reported().where(delivery.c.id == delivery_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise PermanentError(f"there is no delivery {delivery_id}")
    octets = content.beginning(connection, row.content_hash, _HEADER)
    header = octets.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    return DeliveryDetail(_report(row), _tried(connection, delivery_id), header)


def _reported() -> Select[Any]:
    of_outgoing = outgoing.c.relay, outgoing.c.sender, outgoing.c.message_id
    source = effect.c.rule, effect.c.source_uidvalidity, effect.c.source_uid
    return (
        select(
            delivery,
            *of_outgoing,
            outgoing.c.created,
            outgoing.c.content_hash,
            *source,
            account.c.name.label("account"),
            mailbox.c.name.label("mailbox"),
        )
        .select_from(delivery.join(outgoing).join(effect))
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(account, mailbox.c.account_id == account.c.id)
    )


def _report(row: Row[Any]) -> DeliveryReport:
    source = row.source_uidvalidity, row.source_uid
    return DeliveryReport(
        id=row.id,
        outgoing=row.outgoing_id,
        message=MessageKey(row.account, row.mailbox, *source),
        rule=row.rule,
        relay=row.relay,
        sender=row.sender,
        recipient=row.recipient,
        message_id=row.message_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt=row.next_attempt,
        code=row.code,
        reply=row.reply,
        created=row.created,
    )


def _tried(connection: Connection, delivery_id: int) -> tuple[AttemptReport, ...]:
    of_it = attempt.c.delivery_id == delivery_id
    rows = connection.execute(select(attempt).where(of_it).order_by(attempt.c.id))
    return tuple(
        AttemptReport(
            row.started,
            row.ended,
            row.outcome and DeliveryState(row.outcome),
            row.code,
            row.reply,
        )
        for row in rows
    )
