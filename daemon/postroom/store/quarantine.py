"""Messages that were put aside, and having them go on.

A message is in quarantine if it could not be decided, or if something that was planned
for it was begun again and again and ended the process each time.

Invariant: what is released begins anew, as if it had never been begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from postroom.errors import PermanentError
from postroom.mail.message import MessageKey
from postroom.ports import EffectState, MessageState
from postroom.ports.stages import MOST_BEGINNINGS, Stage, stage_of
from postroom.store.finishing import finish_messages
from postroom.store.kinds import EffectKind
from postroom.store.reopening import can_be_done, reopen_effects, reopen_messages
from postroom.store.report import QuarantinedReport
from postroom.store.schema import account, effect, located_message, mailbox, message
from postroom.store.slices import rows_where
from postroom.store.states import MESSAGES

_STAGES = {
    EffectKind.FLAGS: Stage.MARKING,
    EffectKind.COPY: Stage.COPYING,
    EffectKind.MOVE: Stage.MOVING,
    EffectKind.EXPUNGE: Stage.DELETING,
    EffectKind.PERFORM: Stage.PERFORMING,
}
_NAMES = account.c.name.label("account"), mailbox.c.name.label("mailbox")


def reports(connection: Connection, limit: int) -> list[QuarantinedReport]:
    """The messages in quarantine, latest first."""
    undecided = _undecided().order_by(message.c.updated.desc(), message.c.id.desc())
    undone = _undone().order_by(effect.c.updated.desc(), effect.c.id)
    found = [_report(row) for row in connection.execute(undecided.limit(limit))]
    found += _by_message(connection.execute(undone.limit(limit)).all())
    return sorted(found, key=lambda each: (each.updated, each.id), reverse=True)[:limit]


def report(connection: Connection, message_id: int) -> QuarantinedReport:
    """One message in quarantine; `PermanentError` if it is not there."""
    undecided, undone = _rows(connection, [message_id])
    (found,) = [*map(_report, undecided), *_by_message(undone)]
    return found


def release(
    connection: Connection, ids: Sequence[int], now: datetime
) -> list[tuple[str, str]]:
    """Have these decided anew, or what was put aside of them done; the (account,
    mailbox) pairs where they are.

    Raises `PermanentError` if one is not in quarantine; then none is released.
    """
    undecided, undone = _rows(connection, ids)
    change = {"state": MessageState.SEEN, "attempts": 0, "reason": "", "updated": now}
    MESSAGES.advance(connection, [{"id": row.id, **change} for row in undecided])
    reopen_effects(connection, [row.effect for row in undone], now)
    messages = {row.id for row in undone}
    reopen_messages(connection, messages, now)
    finish_messages(connection, messages, now)
    return sorted({(row.account, row.mailbox) for row in (*undecided, *undone)})


def _rows(
    connection: Connection, ids: Sequence[int]
) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """Of these those that could not be decided, and what was put aside of the others,
    in order."""
    undecided = list(rows_where(connection, _undecided(), message.c.id, ids))
    undone = list(rows_where(connection, _undone(), message.c.id, ids))
    missing = sorted(set(ids) - {row.id for row in (*undecided, *undone)})
    if missing:
        told = ", ".join(map(str, missing))
        raise PermanentError(f"there is no message {told} in quarantine")
    return undecided, sorted(undone, key=lambda row: row.effect)


def _undecided() -> Select[Any]:
    return (
        select(message, *_NAMES)
        .select_from(located_message)
        .where(message.c.state == MessageState.QUARANTINED)
    )


def _undone() -> Select[Any]:
    """What ended the process each time, and can be done yet."""
    fatal = effect.c.state == EffectState.HELD, effect.c.begun >= MOST_BEGINNINGS
    about = (
        effect.c.id.label("effect"),
        effect.c.kind,
        effect.c.begun,
        effect.c.detail,
        effect.c.updated.label("put_aside"),
    )
    return (
        select(message, *_NAMES, *about)
        .select_from(located_message.join(effect, effect.c.message == message.c.id))
        .where(and_(*fatal), can_be_done())
    )


def _by_message(rows: Sequence[Row[Any]]) -> Iterator[QuarantinedReport]:
    """Each message once, for the first of what was put aside of it."""
    first = {row.id: row for row in reversed(rows)}
    for row in first.values():
        yield replace(
            _report(row),
            attempts=row.begun,
            stage=_STAGES[EffectKind(row.kind)],
            reason=row.detail,
            updated=row.put_aside,
        )


def _report(row: Row[Any]) -> QuarantinedReport:
    return QuarantinedReport(
        id=row.id,
        key=MessageKey(row.account, row.mailbox, row.uidvalidity, row.uid),
        message_id=row.message_id,
        size=row.size,
        received=row.received,
        attempts=row.attempts,
        stage=stage_of(row.reason),
        reason=row.reason,
        updated=row.updated,
    )
