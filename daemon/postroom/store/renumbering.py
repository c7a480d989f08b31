"""Going on with what was planned, after a server has numbered its messages anew.

Invariants: an effect goes over to a message that is certainly the same, or is given up;
it is never done to another. What was seen and not decided does so too, with its
attempts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    or_,
    update,
)

from postroom.mail.message import Fingerprint, Message, MessageKey
from postroom.ports import EffectState, MessageState
from postroom.store.earlier import marks_in, marks_to_find
from postroom.store.fingerprints import kept, kept_where
from postroom.store.finishing import finish_messages
from postroom.store.kinds import IN_MAILBOX
from postroom.store.ledger import rows_of
from postroom.store.schema import effect, message
from postroom.store.states import EFFECTS, MESSAGES, OPEN_EFFECTS

_NOT_FOUND = "the server numbered its messages anew, and it was not found again"


def carry_over(
    connection: Connection, account_name: str, name: str, messages: Sequence[Message]
) -> int:
    """Have these go on where messages of earlier UIDVALIDITYs were; how many do.

    What is open is done to them; what was seen or is in quarantine stays so.
    Only those with a Message-ID are recognised. Twins take over from one each.
    """
    pairs: dict[MessageKey, int] = {}
    waiting = _waiting(connection, account_name, name, messages)
    for each in messages:
        candidates = waiting.get(kept(each.fingerprint))
        if candidates and each.message_id:
            pairs[each.key] = candidates.pop()
    _rename(connection, pairs)
    return len(pairs)


def give_up_before(
    connection: Connection,
    account_name: str,
    name: str,
    uidvalidity: int,
    now: datetime,
) -> None:
    """Fail what is still open under other UIDVALIDITYs, and finish its messages; those
    that wait to be decided are gone."""
    of_mailbox = marks_in(account_name, name)
    _give_up_effects(connection, of_mailbox, uidvalidity, now)
    _give_up_undecided(connection, of_mailbox, uidvalidity, now)


def _give_up_effects(
    connection: Connection, of_mailbox: Select[Any], uidvalidity: int, now: datetime
) -> None:
    is_open = effect.c.message == message.c.id, _is_open_before(uidvalidity)
    query = of_mailbox.add_columns(effect.c.id.label("effect")).where(*is_open)
    rows = connection.execute(query).all()
    failed = {"state": EffectState.FAILED, "detail": _NOT_FOUND, "updated": now}
    EFFECTS.advance(connection, [{"id": row.effect, **failed} for row in rows])
    finish_messages(connection, {row.id for row in rows}, now)


def _give_up_undecided(
    connection: Connection, of_mailbox: Select[Any], uidvalidity: int, now: datetime
) -> None:
    query = of_mailbox.where(_is_before(uidvalidity, MessageState.SEEN))
    gone = {"state": MessageState.GONE, "reason": _NOT_FOUND, "updated": now}
    rows = connection.execute(query).all()
    MESSAGES.advance(connection, [{"id": row.id, **gone} for row in rows])


def _waiting(
    connection: Connection, account_name: str, name: str, messages: Sequence[Message]
) -> Mapping[Fingerprint, list[int]]:
    """Messages of earlier UIDVALIDITYs that are not finished; the first is the last."""
    found: defaultdict[Fingerprint, list[int]] = defaultdict(list)
    if messages:
        now = messages[0].key.uidvalidity
        has_open = exists().where(
            effect.c.message == message.c.id, _is_open_before(now)
        )
        undecided = _is_before(now, MessageState.SEEN, MessageState.QUARANTINED)
        query = marks_to_find(account_name, name).where(or_(has_open, undecided))
        marks = {kept(each.fingerprint) for each in messages}
        latest_first = query.order_by(message.c.id.desc())
        for row, mark in kept_where(connection, latest_first, marks):
            found[mark].append(row)
    return found


def _is_open_before(uidvalidity: int) -> ColumnElement[bool]:
    """True of an effect that is to be done in the mailbox under another UIDVALIDITY."""
    return and_(
        effect.c.source_uidvalidity != uidvalidity,
        effect.c.state.in_(OPEN_EFFECTS),
        effect.c.kind.in_(IN_MAILBOX),
    )


def _is_before(uidvalidity: int, *states: MessageState) -> ColumnElement[bool]:
    """True of a message of another UIDVALIDITY that has one of these states."""
    return and_(message.c.uidvalidity != uidvalidity, message.c.state.in_(states))


def _rename(connection: Connection, pairs: Mapping[MessageKey, int]) -> None:
    taken = rows_of(connection, pairs)
    for key, row in pairs.items():
        source = {"source_uidvalidity": key.uidvalidity, "source_uid": key.uid}
        is_open = effect.c.state.in_(OPEN_EFFECTS)
        connection.execute(
            update(effect).where(effect.c.message == row, is_open).values(source)
        )
        if key not in taken:
            name = {"uidvalidity": key.uidvalidity, "uid": key.uid}
            connection.execute(update(message).where(message.c.id == row).values(name))
