"""What is to be done in mailboxes: open, begun, and what came of it.

Invariant: what was begun counts as begun until its end, or that of its attempt, is
recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    or_,
    select,
    update,
)

from postroom.mail.message import MessageKey
from postroom.mail.names import canonical
from postroom.ports import (
    EffectResult,
    EffectState,
    Extent,
    OpenEffect,
    Placement,
)
from postroom.store.claims import correct_claims, drop_claims
from postroom.store.codec import decode_effect
from postroom.store.dialects import among
from postroom.store.expunges import all_else_is_done
from postroom.store.finishing import finish_messages
from postroom.store.kinds import IN_MAILBOX, EffectKind
from postroom.store.many import Many
from postroom.store.schema import account, effect, mailbox
from postroom.store.slices import rows_where
from postroom.store.states import EFFECTS, OPEN_EFFECTS

_SET_TARGET = Many(
    update(effect)
    .where(effect.c.id == bindparam("row_id"))
    .values(
        target_mailbox=bindparam("mailbox"),
        target_uidvalidity=bindparam("uidvalidity"),
        target_uid=bindparam("uid"),
    )
)

# The first counts: whatever was copied since then lies above it.
_SET_BEFORE = Many(
    update(effect)
    .where(effect.c.id == bindparam("row_id"), effect.c.before_uidnext.is_(None))
    .values(
        before_uidvalidity=bindparam("uidvalidity"), before_uidnext=bindparam("uidnext")
    )
)


def open_effects(
    connection: Connection, account_name: str, name: str, uidvalidity: int
) -> list[OpenEffect]:
    """Effects to be done in this mailbox now: by UID, each message's in their order."""
    query = (
        _waiting()
        .where(account.c.name == account_name, mailbox.c.name == canonical(name))
        .where(effect.c.source_uidvalidity == uidvalidity)
        .where(or_(effect.c.kind != EffectKind.EXPUNGE, all_else_is_done()))
        .order_by(effect.c.source_uid, effect.c.ordinal)
    )
    key = account_name, name, uidvalidity
    return [
        OpenEffect(
            row.id,
            MessageKey(*key, row.source_uid),
            row.rule,
            decode_effect(row.kind, row.arguments),
            row.attempted,
            _before(row.before_uidvalidity, row.before_uidnext),
            row.begun,
        )
        for row in connection.execute(query)
    ]


def _before(uidvalidity: int | None, uidnext: int | None) -> Extent | None:
    return None if uidnext is None else Extent(uidvalidity, uidnext)


def _waiting() -> Select[Any]:
    return (
        select(effect)
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(account, mailbox.c.account_id == account.c.id)
        .where(effect.c.state.in_(OPEN_EFFECTS), effect.c.kind.in_(IN_MAILBOX))
    )


def begin_effects(
    connection: Connection,
    ids: Sequence[int],
    now: datetime,
    before: Extent | None = None,
) -> None:
    """Record an attempt at these as begun; the first extent noted `before` stays."""
    change = {"state": EffectState.DOING, "attempted": True, "updated": now}
    EFFECTS.advance(connection, [{"id": row, **change} for row in ids], counted=True)
    if before is not None:
        noted = {"uidvalidity": before.uidvalidity, "uidnext": before.uidnext}
        _SET_BEFORE.execute(connection, [{"row_id": row, **noted} for row in ids])


def take_back(connection: Connection, ids: Collection[int]) -> None:
    """Have these count as never begun: the last attempt at each had an end."""
    if ids:
        ended = update(effect).where(among(effect.c.id)).values(begun=0)
        connection.execute(ended, {"given": list(ids)})


def finish_effects(
    connection: Connection, results: Sequence[EffectResult], now: datetime
) -> None:
    """Record what came of these, and finish their messages."""
    EFFECTS.advance(connection, [_change(each, now) for each in results])
    placements = {each.id: each.placement for each in results if each.placement}
    _record_targets(connection, placements)
    correct_claims(connection, placements, now)
    drop_claims(connection, [each.id for each in results if _placed_nothing(each)], now)
    finish_messages(connection, _messages_of(connection, results), now)


def _change(result: EffectResult, now: datetime) -> dict[str, object]:
    return {
        "id": result.id,
        "state": result.state,
        "detail": result.detail,
        "begun": result.begun,
        "updated": now,
    }


def _placed_nothing(result: EffectResult) -> bool:
    """True if the server refused it. One that failed had lost its message, which may
    well be what is there: an earlier try placed it, or a person did."""
    return result.state is EffectState.HELD and result.placement is None


def _record_targets(
    connection: Connection, placements: Mapping[int, Placement]
) -> None:
    targets = [
        {
            "row_id": row,
            "mailbox": canonical(placed.mailbox),
            "uidvalidity": placed.uidvalidity,
            "uid": placed.uid,
        }
        for row, placed in placements.items()
    ]
    _SET_TARGET.execute(connection, targets)


def _messages_of(
    connection: Connection, results: Sequence[EffectResult]
) -> frozenset[int]:
    ids = [each.id for each in results]
    rows = rows_where(connection, select(effect.c.message), effect.c.id, ids)
    return frozenset(row.message for row in rows)
