"""Messages that could not be decided, and having them decided anew.

Invariant: one that is released begins anew, as if deciding it had never been begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from postroom.errors import PermanentError
from postroom.mail.message import MessageKey
from postroom.ports import MessageState
from postroom.ports.stages import stage_of
from postroom.store.report import QuarantinedReport
from postroom.store.schema import account, located_message, mailbox, message
from postroom.store.slices import rows_where
from postroom.store.states import MESSAGES


def reports(connection: Connection, limit: int) -> list[QuarantinedReport]:
    """The messages in quarantine, latest first."""
    query = _quarantined().order_by(message.c.updated.desc(), message.c.id.desc())
    return [_report(row) for row in connection.execute(query.limit(limit))]


def report(connection: Connection, message_id: int) -> QuarantinedReport:
    """One message in quarantine; `PermanentError` if it is not there."""
    (row,) = _rows(connection, [message_id])
    return _report(row)


def release(
    connection: Connection, ids: Sequence[int], now: datetime
) -> list[tuple[str, str]]:
    """Have these decided anew; the (account, mailbox) pairs where they are.

    Raises `PermanentError` if one is not in quarantine; then none is released.
    """
    rows = _rows(connection, ids)
    change = {"state": MessageState.SEEN, "attempts": 0, "reason": "", "updated": now}
    MESSAGES.advance(connection, [{"id": row.id, **change} for row in rows])
    return sorted({(row.account, row.mailbox) for row in rows})


def _rows(connection: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    rows = list(rows_where(connection, _quarantined(), message.c.id, ids))
    missing = sorted(set(ids) - {row.id for row in rows})
    if missing:
        told = ", ".join(map(str, missing))
        raise PermanentError(f"there is no message {told} in quarantine")
    return rows


def _quarantined() -> Select[Any]:
    names = account.c.name.label("account"), mailbox.c.name.label("mailbox")
    return (
        select(message, *names)
        .select_from(located_message)
        .where(message.c.state == MessageState.QUARANTINED)
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
