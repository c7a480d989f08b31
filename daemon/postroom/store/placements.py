"""Recognising in an arrival what postroom itself put there.

Invariant: each placement accounts for one arrival, and for no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    or_,
    select,
    update,
)

from postroom.mail.message import Fingerprint, Message, MessageKey
from postroom.mail.names import canonical
from postroom.ports import EffectState
from postroom.store.fingerprints import kept, kept_where
from postroom.store.kinds import PLACING
from postroom.store.schema import account, effect, message
from postroom.store.slices import rows_where

_NOTE = (
    update(effect)
    .where(effect.c.id == bindparam("row_id"))
    .values(
        claimed_uidvalidity=bindparam("uidvalidity"),
        claimed_uid=bindparam("uid"),
    )
)

_MAY_HAVE_PLACED = (EffectState.PLANNED, EffectState.DOING, EffectState.DONE)


def claim(connection: Connection, arrivals: Sequence[Message]) -> frozenset[MessageKey]:
    """Those of one mailbox's arrivals that effects of its account put there.

    The target's UID proves it; where none is recorded yet, or one of an earlier
    UIDVALIDITY, the fingerprint does, until it is told what was placed (`claims.py`).
    """
    claims = _by_uid(connection, arrivals)
    rest = [each for each in arrivals if each.key not in claims]
    marks = {each.key: kept(each.fingerprint) for each in rest}
    claims |= by_fingerprint(connection, marks)
    note(connection, {row: key for key, row in claims.items()})
    return frozenset(claims)


def by_fingerprint(
    connection: Connection, marks: Mapping[MessageKey, Fingerprint]
) -> dict[MessageKey, int]:
    """Those of one mailbox's messages that may be what was placed there and is not
    claimed yet; and by which effect.

    Twins share a fingerprint: each takes one placement, as long as there are any.
    """
    if not marks:
        return {}
    unclaimed: defaultdict[Fingerprint, list[int]] = defaultdict(list)
    query = _unclaimed(next(iter(marks)))
    for row, mark in kept_where(connection, query, marks.values()):
        unclaimed[mark].append(row)
    return {
        key: unclaimed[mark].pop() for key, mark in marks.items() if unclaimed[mark]
    }


def note(connection: Connection, claims: Mapping[int, MessageKey | None]) -> None:
    """Record what each of these effects claims, and which has no claim any more;
    `updated` stays when the effect's state was set last."""
    rows = [
        {
            "row_id": row,
            "uidvalidity": key and key.uidvalidity,
            "uid": key and key.uid,
        }
        for row, key in claims.items()
    ]
    if rows:
        connection.execute(_NOTE, rows)


def _by_uid(
    connection: Connection, arrivals: Sequence[Message]
) -> dict[MessageKey, int]:
    keys = {each.key.uid: each.key for each in arrivals}
    where = arrivals[0].key
    query = _placing(where, effect.c.id, effect.c.target_uid).where(
        effect.c.target_uidvalidity == where.uidvalidity
    )
    rows = rows_where(connection, query, effect.c.target_uid, list(keys))
    return {keys[row.target_uid]: row.id for row in rows}


def _unclaimed(where: MessageKey) -> Select[Any]:
    columns = effect.c.id, message.c.message_id, message.c.size, message.c.received
    return (
        _placing(where, *columns)
        .where(
            effect.c.claimed_uid.is_(None),
            or_(
                effect.c.target_uid.is_(None),
                effect.c.target_uidvalidity != where.uidvalidity,
            ),
        )
        .where(effect.c.state.in_(_MAY_HAVE_PLACED))
    )


def _placing(where: MessageKey, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(effect.join(account).join(message))
        .where(account.c.name == where.account, effect.c.kind.in_(PLACING))
        .where(effect.c.target_mailbox == canonical(where.mailbox))
    )
