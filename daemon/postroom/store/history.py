"""What was done last: messages with the rules that matched and what came of them.

Invariant: it is read in one snapshot, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from postroom.mail.message import MessageKey
from postroom.ports import EffectState, MessageState
from postroom.rules.plan import RuleTrace
from postroom.store.codec import decode_trace
from postroom.store.report import EffectReport, Handled
from postroom.store.schema import (
    account,
    effect,
    located_message,
    mailbox,
    message,
    plan,
)
from postroom.store.slices import rows_where

_Trace = tuple[tuple[RuleTrace, ...], int]
_NOT_DECIDED: _Trace = ((), 0)


def history(connection: Connection, limit: int) -> list[Handled]:
    """The messages that something was last done about, newest first."""
    query = (
        select(
            message, account.c.name.label("account"), mailbox.c.name.label("mailbox")
        )
        .select_from(located_message)
        .order_by(message.c.updated.desc(), message.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    traces = _traces(connection, ids)
    effects = _effects(connection, ids)
    return [
        _handled(row, traces.get(row.id, _NOT_DECIDED), effects[row.id]) for row in rows
    ]


def _handled(row: Row[Any], trace: _Trace, effects: Sequence[EffectReport]) -> Handled:
    rules, passed_over = trace
    return Handled(
        key=MessageKey(row.account, row.mailbox, row.uidvalidity, row.uid),
        message_id=row.message_id,
        received=row.received,
        state=MessageState(row.state),
        attempts=row.attempts,
        reason=row.reason,
        updated=row.updated,
        trace=rules,
        effects=tuple(effects),
        passed_over=passed_over,
    )


def _traces(connection: Connection, ids: Sequence[int]) -> dict[int, _Trace]:
    """The latest trace of each, and how many rules were not asked."""
    query = select(plan.c.message, plan.c.trace).order_by(plan.c.id)
    rows = rows_where(connection, query, plan.c.message, ids)
    return {row.message: decode_trace(row.trace) for row in rows}


def _effects(
    connection: Connection, ids: Sequence[int]
) -> dict[int, list[EffectReport]]:
    effects: dict[int, list[EffectReport]] = {row: [] for row in ids}
    query = select(effect).order_by(effect.c.message, effect.c.ordinal)
    for row in rows_where(connection, query, effect.c.message, ids):
        state, target = EffectState(row.state), row.target_mailbox
        report = EffectReport(row.kind, row.rule, state, row.detail, target)
        effects[row.message].append(report)
    return effects
