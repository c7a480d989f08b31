"""A store that was put back: what went out since is not known to it.

Invariant: nothing goes out of what was open in such a store, or of what lay in a
mailbox when it was first looked at again, before its owner says so.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from postroom.ports import EffectState, Restored
from postroom.store import deliveries
from postroom.store.finishing import finish_messages
from postroom.store.kinds import EffectKind
from postroom.store.notes import note_notice
from postroom.store.own_notes import forget, recall, remember
from postroom.store.schema import delivery, effect
from postroom.store.states import EFFECTS, OPEN_EFFECTS, WAITING_DELIVERIES
from postroom.store.waymark import Waymark, standing

_COPY, _RESTORED = "copy", "restored"


def mark_copy(connection: Connection, made: datetime) -> None:
    """Have this store, which is a copy, know that it is one."""
    remember(connection, _COPY, made.isoformat())


def settle_restored(
    connection: Connection, noted: Waymark | None, now: datetime
) -> Restored | None:
    """Hold what would go out if the store was put back since it was last in use: it is
    a copy, or has not come as far as was noted. None if it is as it was left."""
    reason = _find_reason(connection, noted)
    if not reason:
        note_notice(connection, _RESTORED, "", now)
        return None
    forget(connection, _COPY)
    remember(connection, _RESTORED, f"{now.isoformat()} {reason}")
    _hold_deliveries(connection, reason, now)
    _hold_performs(connection, reason, now)
    told = f"{reason}: what may have gone out since is held until you release it"
    note_notice(connection, _RESTORED, told, now)
    return Restored(now, reason)


def last_restored(connection: Connection) -> Restored | None:
    """When the store was last put back, and in which words; None if it never was."""
    text = recall(connection, _RESTORED)
    if text is None:
        return None
    since, _, reason = text.partition(" ")
    return Restored(datetime.fromisoformat(since), reason)


def _find_reason(connection: Connection, noted: Waymark | None) -> str:
    made = recall(connection, _COPY)
    if made is not None:
        return f"the store was restored from a copy of {made[:16].replace('T', ' ')}"
    if noted is None or not noted.is_beyond(here := standing(connection)):
        return ""
    if noted.store_id != here.store_id:
        return "the store was lost or exchanged"
    return "the store was replaced by an older one"


def _hold_deliveries(connection: Connection, reason: str, now: datetime) -> None:
    waiting = delivery.c.state.in_(WAITING_DELIVERIES)
    ids = connection.execute(select(delivery.c.id).where(waiting)).scalars().all()
    deliveries.fulfil(connection, deliveries.hold(reason), ids, now)


def _hold_performs(connection: Connection, reason: str, now: datetime) -> None:
    query = select(effect.c.id, effect.c.message).where(
        effect.c.kind == EffectKind.PERFORM, effect.c.state.in_(OPEN_EFFECTS)
    )
    rows = connection.execute(query).all()
    held = {"state": EffectState.HELD, "detail": reason, "updated": now}
    EFFECTS.advance(connection, [{"id": row.id, **held} for row in rows])
    finish_messages(connection, {row.message for row in rows}, now)
