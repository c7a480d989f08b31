"""Whether a store is sound: its pages, its octets, and what its rows must keep.

Invariant: the store is only read, and all that is wrong is told at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import StoreError
from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.dialects import reading_engine, translate
from postroom.store.kinds import EffectKind
from postroom.store.migrations import require_current
from postroom.store.retention import is_needed
from postroom.store.schema import (
    attempt,
    content,
    content_chunk,
    delivery,
    effect,
    mailbox,
    message,
    outgoing,
)
from postroom.store.states import OPEN_DELIVERIES, OPEN_EFFECTS
from postroom.store.upkeep import page_faults

# Of what is wrong in one way so much is told, and of the rest how much it is.
_TOLD = 20


def find_faults(path: Path) -> list[str]:
    """All that is wrong with the store at `path`, in words; it may be in use.

    Raises `StoreError` if it is not there.
    """
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    engine = reading_engine(path)
    try:
        with engine.connect() as connection:
            return list(_faults(connection))
    except SQLAlchemyError as error:
        return [str(translate(error))]
    except StoreError as error:
        return [str(error)]
    finally:
        engine.dispose()


def _faults(connection: Connection) -> Iterator[str]:
    found = False
    for fault in page_faults(connection):
        found = True
        yield fault
    if found:  # what such tables say means nothing
        return
    require_current(connection)
    for words, query in _broken_promises():
        rows = connection.execute(query).scalars().all()
        yield from (f"{words}: {row}" for row in rows[:_TOLD])
        if len(rows) > _TOLD:
            yield f"{words}: {len(rows) - _TOLD} more"
    yield from _content_faults(connection)


# -- octets ----------------------------------------------------------------------------


def _content_faults(connection: Connection) -> Iterator[str]:
    present = select(content_chunk.c.hash)
    forgotten = select(content.c.hash).where(
        content.c.size > 0, content.c.hash.not_in(present), is_needed()
    )
    for name in connection.execute(forgotten).scalars():
        yield f"a content that is still needed is not there: {name}"
    kept = select(content.c.hash, content.c.size).where(content.c.hash.in_(present))
    for name, size in connection.execute(kept).all():
        digest, octets = _digest(connection, name)
        if (digest, octets) != (name, size):
            yield f"a content is not what was kept: {name} ({octets} of {size} octets)"


def _digest(connection: Connection, name: str) -> tuple[str, int]:
    digest, octets = hashlib.sha256(), 0
    of_it = content_chunk.c.hash == name
    query = select(content_chunk.c.octets).where(of_it)
    chunks = connection.execute(query.order_by(content_chunk.c.ordinal)).scalars()
    for chunk in chunks.yield_per(1):
        digest.update(chunk)
        octets += len(chunk)
    return digest.hexdigest(), octets


# -- promises --------------------------------------------------------------------------


def _broken_promises() -> Iterator[tuple[str, Select[Any]]]:
    """What rows promise, in words that say the opposite, and who breaks it."""
    for words, make in _PROMISES.items():
        yield words, make()


def _acknowledged_with_open_effects() -> Select[Any]:
    is_open = effect.c.message == message.c.id, effect.c.state.in_(OPEN_EFFECTS)
    return select(message.c.id).where(
        message.c.state == MessageState.ACKNOWLEDGED, exists().where(*is_open)
    )


def _undecided_with_effects() -> Select[Any]:
    undecided = (MessageState.SEEN, MessageState.QUARANTINED)
    is_open = effect.c.message == message.c.id, effect.c.state.in_(OPEN_EFFECTS)
    return select(message.c.id).where(
        message.c.state.in_(undecided), exists().where(*is_open)
    )


def _send_without_outgoing() -> Select[Any]:
    """One that is done or held may have nothing to send: its window was taken, or it
    had no recipient."""
    is_open = effect.c.kind == EffectKind.SEND, effect.c.state.in_(OPEN_EFFECTS)
    sends = exists().where(outgoing.c.effect_id == effect.c.id)
    return select(effect.c.id).where(*is_open, ~sends)


def _done_with_open_deliveries() -> Select[Any]:
    is_done = effect.c.state == EffectState.DONE
    query = select(delivery.c.id).select_from(delivery.join(outgoing).join(effect))
    return query.where(is_done, delivery.c.state.in_(OPEN_DELIVERIES))


def _delivered_without_attempt() -> Select[Any]:
    tried = exists().where(attempt.c.delivery_id == delivery.c.id)
    is_sent = delivery.c.state.in_((DeliveryState.SENDING, DeliveryState.DELIVERED))
    return select(delivery.c.id).where(is_sent, ~tried)


def _uids_twice() -> Select[Any]:
    key = message.c.mailbox_id, message.c.uidvalidity, message.c.uid
    return select(func.max(message.c.id)).group_by(*key).having(func.count() > 1)


def _cursors_without_place() -> Select[Any]:
    has_validity = mailbox.c.uidvalidity.is_not(None)
    has_all = and_(mailbox.c.uid.is_not(None), mailbox.c.checked.is_not(None))
    broken: ColumnElement[bool] = or_(
        and_(has_validity, ~has_all), and_(~has_validity, mailbox.c.uid.is_not(None))
    )
    return select(mailbox.c.name).where(broken)


_PROMISES: dict[str, Callable[[], Select[Any]]] = {
    "an acknowledged message has an open effect": _acknowledged_with_open_effects,
    "a message that is not decided has an open effect": _undecided_with_effects,
    "an open effect that sends has nothing to send": _send_without_outgoing,
    "an effect is done, and not its delivery": _done_with_open_deliveries,
    "a delivery went out without an attempt": _delivered_without_attempt,
    "a UID names two messages": _uids_twice,
    "a mailbox has half a cursor": _cursors_without_place,
}
