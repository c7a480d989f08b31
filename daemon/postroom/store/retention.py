"""What is forgotten in time: octets that have gone out, and why old mail was decided.

Invariants: nothing is forgotten of what is open, held, failed, unknown, bounced or in
quarantine. A message keeps its line, with its key, its fingerprint and that it was
decided, for ever: whatever becomes of its mailbox, it is never taken for a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.codec import encode_trace
from postroom.store.dialects import among
from postroom.store.schema import (
    attempt,
    content,
    content_chunk,
    delivery,
    effect,
    message,
    outgoing,
    plan,
)
from postroom.store.slices import SLICE, rows_where

NO_TRACE = encode_trace((), 0)
FINISHED = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)

_UNFINISHED = tuple(state for state in DeliveryState if state not in FINISHED)
_UNDONE = tuple(state for state in EffectState if state is not EffectState.DONE)
_AT_REST = (MessageState.ACKNOWLEDGED, MessageState.GONE)


@dataclass(frozen=True)
class Before:
    """What was kept before these moments is old: octets, and the rest."""

    content: datetime
    ledger: datetime


@dataclass(frozen=True)
class Pruned:
    """How many messages lost why they were decided and what was done, and how many
    contents, of how many octets, their octets; and whether there is `more` to do."""

    messages: int = 0
    contents: int = 0
    octets: int = 0
    more: bool = False

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(
            self.messages + other.messages,
            self.contents + other.contents,
            self.octets + other.octets,
        )


@dataclass(frozen=True)
class Old:
    """Contents and messages that are old, by hash and by number, in order."""

    contents: Sequence[str] = ()
    messages: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.contents or self.messages)


def find_old(
    connection: Connection, before: Before, after: int = 0, limit: int = SLICE
) -> Old:
    """So many of what is old, at most; messages beyond this number."""
    hashes = _old_content(before).with_only_columns(content.c.hash)
    messages = _old_messages(before).where(message.c.id > after)
    return Old(
        connection.execute(hashes.limit(limit)).scalars().all(),
        connection.execute(messages.order_by(message.c.id).limit(limit))
        .scalars()
        .all(),
    )


def forget(connection: Connection, before: Before, old: Old) -> Pruned:
    """Forget of these what is old still."""
    contents = rows_where(
        connection, _old_content(before), content.c.hash, old.contents
    )
    forget_content(connection, [row.hash for row in contents])
    messages = rows_where(connection, _old_messages(before), message.c.id, old.messages)
    forget_doings(connection, [row.id for row in messages])
    return Pruned(len(messages), len(contents), sum(row.size for row in contents))


def prune(connection: Connection, before: Before) -> Pruned:
    """Forget all that is old."""
    pruned = Pruned()
    while old := find_old(connection, before):
        pruned += forget(connection, before, old)
    return pruned


def prunable(connection: Connection, before: Before) -> Pruned:
    """What would be forgotten in the end."""
    old = _old_content(before).subquery()
    size = func.coalesce(func.sum(old.c.size), 0)
    contents = connection.execute(select(func.count(), size).select_from(old)).one()
    messages = select(func.count()).select_from(_old_messages(before).subquery())
    return Pruned(connection.execute(messages).scalar_one(), *contents)


def forget_content(connection: Connection, hashes: Sequence[str]) -> None:
    """Forget these octets; that they were there, and how many, stays known."""
    forgotten = delete(content_chunk).where(among(content_chunk.c.hash))
    connection.execute(forgotten, {"given": hashes})


def forget_doings(connection: Connection, messages: Sequence[int]) -> None:
    """Forget of these messages why they were decided so, and what was done."""
    effects = select(effect.c.id).where(among(effect.c.message))
    sent = select(outgoing.c.id).where(outgoing.c.effect_id.in_(effects))
    deliveries = select(delivery.c.id).where(delivery.c.outgoing_id.in_(sent))
    given = {"given": messages}
    for forgotten in (
        delete(attempt).where(attempt.c.delivery_id.in_(deliveries)),
        delete(delivery).where(delivery.c.outgoing_id.in_(sent)),
        delete(outgoing).where(outgoing.c.effect_id.in_(effects)),
        delete(effect).where(among(effect.c.message)),
        update(plan).where(among(plan.c.message)).values(trace=NO_TRACE),
    ):
        connection.execute(forgotten, given)


# -- octets ----------------------------------------------------------------------------


def is_needed() -> ColumnElement[bool]:
    """True of a content whose octets may still have to go out or be worked with."""
    sending = select(outgoing.c.content_hash).join(delivery)
    unsent = sending.where(delivery.c.state.in_(_UNFINISHED))
    undone = select(effect.c.content_hash).where(
        effect.c.state.in_(_UNDONE), effect.c.content_hash.is_not(None)
    )
    return or_(content.c.hash.in_(unsent), content.c.hash.in_(undone))


def _old_content(before: Before) -> Select[Any]:
    # By its chunks: contents without any were forgotten before, and may be many.
    present = select(content_chunk.c.hash).distinct()
    return (
        select(content.c.hash, content.c.size)
        .where(content.c.hash.in_(present), content.c.created < before.content)
        .where(not_(is_needed()))
    )


# -- doings ----------------------------------------------------------------------------


def _old_messages(before: Before) -> Select[Any]:
    of_it = effect.c.message == message.c.id
    traced = exists().where(plan.c.message == message.c.id, plan.c.trace != NO_TRACE)
    return (
        select(message.c.id)
        .where(message.c.state.in_(_AT_REST), message.c.updated < before.ledger)
        .where(or_(exists().where(of_it), traced))
        .where(~exists().where(of_it, _is_unfinished(before.ledger)))
    )


def _is_unfinished(ledger: datetime) -> ColumnElement[bool]:
    """True of an effect that is not done, or not for long; one that sends is done as
    its deliveries are, and the owner may have withdrawn them."""
    of_it = and_(outgoing.c.effect_id == effect.c.id)
    sends = exists().where(of_it)
    pending = or_(delivery.c.state.in_(_UNFINISHED), delivery.c.updated >= ledger)
    unsent = exists().where(of_it, delivery.c.outgoing_id == outgoing.c.id, pending)
    undone = and_(effect.c.state.in_(_UNDONE), ~sends)
    return or_(undone, unsent, effect.c.updated >= ledger)
