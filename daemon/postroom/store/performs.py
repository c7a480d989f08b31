"""What plugins' actions carry out: due, begun, and what came of it.

Invariant: a perform is done at least once. That it is begun is recorded before it is;
one that was begun and not ended is due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    func,
    or_,
    select,
)

from postroom.errors import StoreError
from postroom.mail.message import MessageKey
from postroom.ports import EffectState, OpenPerform, PerformResult
from postroom.rules.effects import Perform
from postroom.store import content
from postroom.store.codec import decode_effect
from postroom.store.expunges import ready_to_expunge
from postroom.store.finishing import finish_messages
from postroom.store.kinds import EffectKind
from postroom.store.schema import account, effect, mailbox, plan
from postroom.store.slices import rows_where
from postroom.store.states import EFFECTS, OPEN_EFFECTS
from postroom.store.waits import has_come


def due_performs(
    connection: Connection, now: datetime, limit: int, after: int = 0
) -> list[OpenPerform]:
    """Performs whose time has come, oldest first, behind that of number `after`; those
    that were begun as well."""
    query = (
        select(
            effect,
            account.c.name.label("account"),
            mailbox.c.name.label("mailbox"),
            plan.c.decided,
        )
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(account, mailbox.c.account_id == account.c.id)
        .join(plan, effect.c.plan_id == plan.c.id)
        .where(_is_open(), _is_due(now), effect.c.id > after)
        .order_by(effect.c.id)
        .limit(limit)
    )
    return [_open_perform(row) for row in connection.execute(query)]


def next_perform(connection: Connection, now: datetime) -> datetime | None:
    """When the next perform is due, `now` if one already is; None if none waits."""
    due = select(effect.c.id).where(_is_open(), _is_due(now)).limit(1)
    if connection.execute(due).scalar() is not None:
        return now
    query = select(func.min(effect.c.next_attempt)).where(_is_open())
    return connection.execute(query).scalar()


def perform_content(connection: Connection, perform: int) -> bytes | None:
    """The octets that were kept for it; None where it needs none."""
    query = select(effect.c.content_hash).where(effect.c.id == perform)
    name = connection.execute(query).scalar()
    return None if name is None else content.read(connection, name)


def begin_perform(connection: Connection, perform: int, now: datetime) -> bool:
    """Record that one more attempt at it is begun; False, and nothing is recorded, for
    one that is not open any more."""
    query = select(effect.c.id).where(effect.c.id == perform, _is_open())
    if connection.execute(query).scalar() is None:
        return False
    change = {
        "id": perform,
        "state": EffectState.DOING,
        "attempted": True,
        "next_attempt": None,
        "updated": now,
    }
    EFFECTS.advance(connection, [change], counted=True)
    return True


def finish_performs(
    connection: Connection, results: Sequence[PerformResult], now: datetime
) -> frozenset[tuple[str, str]]:
    """Record results; the mailboxes whose held-back expunges may now go on."""
    EFFECTS.advance(connection, [_change(each, now) for each in results])
    query = select(effect.c.message)
    ids = [each.id for each in results]
    rows = rows_where(connection, query, effect.c.id, ids)
    messages = frozenset(row.message for row in rows)
    finish_messages(connection, messages, now)
    return ready_to_expunge(connection, messages)


def _change(result: PerformResult, now: datetime) -> dict[str, object]:
    is_to_be_tried_again = result.state is EffectState.PLANNED
    if is_to_be_tried_again and result.next_attempt is None:
        raise StoreError(f"perform {result.id} is planned again, but until when?")
    return {
        "id": result.id,
        "state": result.state,
        "detail": result.detail,
        "next_attempt": result.next_attempt if is_to_be_tried_again else None,
        "begun": result.begun,
        "updated": now,
    }


def _is_open() -> ColumnElement[bool]:
    is_perform = effect.c.kind == EffectKind.PERFORM
    return and_(is_perform, effect.c.state.in_(OPEN_EFFECTS))


def _is_due(now: datetime) -> ColumnElement[bool]:
    """True of one that is new, or was begun and not ended, or is to be tried again."""
    moment = effect.c.next_attempt
    return or_(moment.is_(None), has_come(moment, now))


def _open_perform(row: Row[tuple[object, ...]]) -> OpenPerform:
    planned = decode_effect(row.kind, row.arguments)
    assert isinstance(planned, Perform)
    source = row.source_uidvalidity, row.source_uid
    return OpenPerform(
        id=row.id,
        key=row.key,
        message=MessageKey(row.account, row.mailbox, *source),
        rule=row.rule,
        effect=planned,
        attempts=row.attempts,
        created=row.decided,
        begun=row.begun,
    )
