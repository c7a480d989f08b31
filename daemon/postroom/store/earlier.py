"""Messages that a mailbox held before, recognised by their fingerprint.

Invariant: a second copy of a message is an arrival of its own. It is taken for one that
was put back only if the first copy has left, or may well have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Join,
    Select,
    and_,
    exists,
    or_,
    select,
)

from postroom.mail.message import Message, MessageKey
from postroom.mail.names import canonical
from postroom.ports import EffectState, MessageState
from postroom.store.fingerprints import kept, kept_where
from postroom.store.kinds import LEAVING
from postroom.store.schema import (
    account,
    effect,
    located_message,
    mailbox,
    message,
    plan,
)
from postroom.store.states import OPEN_EFFECTS

# Copies that share a fingerprint came within one second: after this long none is still
# on its way, and a person may have taken the first one out and put it back.
SECOND_COPY = timedelta(minutes=2)

_DECIDED = (MessageState.DECIDED, MessageState.SETTLED, MessageState.ACKNOWLEDGED)


def marks_in(account_name: str, name: str) -> Select[Any]:
    """Id and fingerprint of the messages that this mailbox holds or has held."""
    return _marks(located_message, account_name, name)


def marks_to_find(account_name: str, name: str) -> Select[Any]:
    """The same, for messages that are looked for by their Message-IDs.

    Of a sum there is no index: else the database would go through all that the mailbox
    ever held, which may be a million.
    """
    of_mailbox = message.join(mailbox, message.c.mailbox_id + 0 == mailbox.c.id)
    return _marks(of_mailbox.join(account), account_name, name)


def _marks(messages: Join, account_name: str, name: str) -> Select[Any]:
    return (
        select(message.c.id, message.c.message_id, message.c.size, message.c.received)
        .select_from(messages)
        .where(account.c.name == account_name, mailbox.c.name == canonical(name))
    )


def was_decided() -> ColumnElement[bool]:
    """True of a message about which nothing is left to be decided.

    One that left (`gone`) may have done so before it was decided: its plan tells.
    """
    has_plan = exists().where(plan.c.message == message.c.id)
    is_gone = message.c.state == MessageState.GONE
    return or_(message.c.state.in_(_DECIDED), and_(is_gone, has_plan))


def returned(
    connection: Connection, arrivals: Sequence[Message], listed: datetime
) -> frozenset[MessageKey]:
    """Those of one mailbox's arrivals that were there before, left, and were put back.

    Without a Message-ID a fingerprint is too weak: two messages of a program that
    writes each second could share it.
    """
    marks = {each.key: kept(each.fingerprint) for each in arrivals if each.message_id}
    where = arrivals[0].key
    query = marks_to_find(where.account, where.mailbox).where(
        was_decided(), or_(_has_left(listed), _may_have_left(listed))
    )
    held = {mark for _, mark in kept_where(connection, query, marks.values())}
    return frozenset(key for key, mark in marks.items() if mark in held)


def _has_left(listed: datetime) -> ColumnElement[bool]:
    """It was away when the mailbox was listed: so what is there now is not itself."""
    is_gone = message.c.state == MessageState.GONE
    taken_away = _leaving(EffectState.DONE).where(effect.c.updated < listed)
    return or_(and_(is_gone, message.c.updated < listed), taken_away)


def _may_have_left(listed: datetime) -> ColumnElement[bool]:
    """Postroom left it there, or put it there, and nothing told when a person took it
    away; or that was found out only after the mailbox was listed."""
    return and_(
        ~_leaving(EffectState.DONE, *OPEN_EFFECTS),
        message.c.first_seen < listed,
        message.c.received < listed - SECOND_COPY,
    )


def _leaving(*states: EffectState) -> Exists:
    return exists().where(
        effect.c.message == message.c.id,
        effect.c.kind.in_(LEAVING),
        effect.c.state.in_(states),
    )
