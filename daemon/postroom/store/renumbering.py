"""Going on with what was planned, after a server has numbered its messages anew.

Invariant: an effect goes over to a message that is certainly the same, or is given up;
it is never done to another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from postroom.mail.message import Fingerprint, Message, MessageKey
from postroom.ports import EffectState
from postroom.store.cursors import canonical
from postroom.store.effects import finish_messages
from postroom.store.fingerprints import kept, kept_where
from postroom.store.kinds import IN_MAILBOX
from postroom.store.ledger import rows_of
from postroom.store.schema import account, effect, mailbox, message
from postroom.store.states import EFFECTS, OPEN_EFFECTS

_NOT_FOUND = "the server numbered its messages anew, and it was not found again"


def carry_over(
    connection: Connection, account_name: str, name: str, messages: Sequence[Message]
) -> int:
    """Have open effects of earlier UIDVALIDITYs done to these; to how many of them.

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
    """Fail what is still open under other UIDVALIDITYs, and finish its messages."""
    query = _open_before(account_name, name, uidvalidity)
    rows = connection.execute(query.with_only_columns(effect.c.id, message.c.id)).all()
    failed = {"state": EffectState.FAILED, "detail": _NOT_FOUND, "updated": now}
    EFFECTS.advance(connection, [{"id": row[0], **failed} for row in rows])
    finish_messages(connection, {row[1] for row in rows}, now)


def _waiting(
    connection: Connection, account_name: str, name: str, messages: Sequence[Message]
) -> Mapping[Fingerprint, list[int]]:
    """Messages of earlier UIDVALIDITYs with open effects; the first is the last."""
    found: defaultdict[Fingerprint, list[int]] = defaultdict(list)
    if messages:
        now = messages[0].key.uidvalidity
        query = _open_before(account_name, name, now).order_by(message.c.id.desc())
        marks = {kept(each.fingerprint) for each in messages}
        for row, mark in kept_where(connection, query.distinct(), marks):
            found[mark].append(row)
    return found


def _open_before(account_name: str, name: str, uidvalidity: int) -> Select[Any]:
    return (
        select(message.c.id, message.c.message_id, message.c.size, message.c.received)
        .select_from(effect.join(message, effect.c.message == message.c.id))
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(account, mailbox.c.account_id == account.c.id)
        .where(account.c.name == account_name, mailbox.c.name == canonical(name))
        .where(effect.c.source_uidvalidity != uidvalidity)
        .where(effect.c.state.in_(OPEN_EFFECTS), effect.c.kind.in_(IN_MAILBOX))
    )


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
