"""What is to be done in mailboxes, and when a message is finished.

Invariants: a message is `settled` when each of its effects is final, `acknowledged`
when each is done. It is expunged only after all else that was planned for it is done;
what failed, is held or unknown keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
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
    MessageState,
    OpenEffect,
    Placement,
)
from postroom.store.claims import correct_claims, drop_claims
from postroom.store.codec import decode_effect
from postroom.store.dialects import among
from postroom.store.expunges import all_else_is_done, kept_because
from postroom.store.kinds import IN_MAILBOX, EffectKind
from postroom.store.many import Many
from postroom.store.schema import account, effect, mailbox, message
from postroom.store.slices import rows_where
from postroom.store.states import EFFECTS, MESSAGES, OPEN_EFFECTS

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

_NOT_DONE = (EffectState.FAILED, EffectState.HELD)
_FINAL = (EffectState.DONE, *_NOT_DONE)


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


# -- finishing messages ----------------------------------------------------------------


@dataclass(frozen=True)
class _Planned:
    id: int
    kind: str
    rule: str
    state: str
    detail: str


_Plans = Mapping[int, Sequence[_Planned]]


def finish_messages(
    connection: Connection, messages: Collection[int], now: datetime
) -> None:
    """Hold the expunges that may never be done, then settle and acknowledge."""
    unfinished = _unfinished(connection, messages)
    plans = _plans(connection, unfinished)
    held = {each.id: why for plan in plans.values() for each, why in _doomed(plan)}
    _hold(connection, held, now)
    final = [
        row
        for row, plan in plans.items()
        if all(each.id in held or each.state in _FINAL for each in plan)
    ]
    decided = [row for row in final if unfinished[row] == MessageState.DECIDED]
    _advance(connection, decided, MessageState.SETTLED, now)
    done = [
        row
        for row in final
        if all(each.state == EffectState.DONE for each in plans[row])
    ]
    _advance(connection, done, MessageState.ACKNOWLEDGED, now)


def _unfinished(connection: Connection, messages: Collection[int]) -> dict[int, str]:
    """Those of which something may end now, and their states: nothing is open, or
    something will not be done."""
    unfinished = message.c.state.in_((MessageState.DECIDED, MessageState.SETTLED))
    may_end = or_(~_has_effects(OPEN_EFFECTS), _has_effects(_NOT_DONE))
    query = select(message.c.id, message.c.state).where(unfinished, may_end)
    rows = rows_where(connection, query, message.c.id, list(messages))
    return {row.id: row.state for row in rows}


def _has_effects(states: Collection[EffectState]) -> ColumnElement[bool]:
    of_message = effect.c.message == message.c.id
    return exists().where(of_message, effect.c.state.in_(states))


def _plans(connection: Connection, messages: Iterable[int]) -> _Plans:
    plans: dict[int, list[_Planned]] = {row: [] for row in messages}
    columns = effect.c.kind, effect.c.rule, effect.c.state, effect.c.detail
    query = select(effect.c.message, effect.c.id, *columns)
    for row in rows_where(connection, query, effect.c.message, list(plans)):
        planned = row.id, row.kind, row.rule, row.state, row.detail
        plans[row.message].append(_Planned(*planned))
    return plans


def _doomed(plan: Sequence[_Planned]) -> Iterator[tuple[_Planned, str]]:
    """The expunges that wait for something that will not be done, and for what."""
    blockers = [each for each in plan if each.state in _NOT_DONE]
    for each in plan:
        others = [blocker for blocker in blockers if blocker is not each]
        if others and each.kind == EffectKind.EXPUNGE and each.state in OPEN_EFFECTS:
            first = others[0]
            yield each, kept_because(first.kind, first.rule, first.state, first.detail)


def _hold(connection: Connection, held: Mapping[int, str], now: datetime) -> None:
    changes = [
        {"id": row, "state": EffectState.HELD, "detail": why, "updated": now}
        for row, why in held.items()
    ]
    EFFECTS.advance(connection, changes)


def _advance(
    connection: Connection, rows: Sequence[int], state: MessageState, now: datetime
) -> None:
    changes = [{"id": row, "state": state, "updated": now} for row in rows]
    MESSAGES.advance(connection, changes)
