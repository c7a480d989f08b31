"""How things stand: counts by state, cursors, and what needs a person.

Invariant: it is read in one snapshot, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from postroom.mail.message import MessageKey
from postroom.ports import (
    Cursor,
    DeliveryState,
    EffectState,
    MessageState,
    RelayReport,
    WatchReport,
)
from postroom.rules.effects import tell
from postroom.store.codec import decode_effect
from postroom.store.expunges import KEPT, WITHDRAWN
from postroom.store.holds import held
from postroom.store.kinds import EffectKind
from postroom.store.notes import notices
from postroom.store.outbox import waiting_relays
from postroom.store.reopening import can_be_done, is_complete
from postroom.store.report import (
    Delayed,
    MailboxReport,
    Summary,
    Trouble,
    Undelivered,
)
from postroom.store.schema import (
    account,
    delivery,
    effect,
    located_message,
    mailbox,
    message,
    meta,
    outgoing,
    relay,
    watch,
)
from postroom.store.states import OPEN_EFFECTS

_KEY = (
    account.c.name.label("account"),
    mailbox.c.name.label("mailbox"),
    message.c.uidvalidity,
    message.c.uid,
    message.c.message_id,
)
# Nothing is to be told of these; the last of them its owner knows.
_WELL = (
    DeliveryState.QUEUED,
    DeliveryState.SENDING,
    DeliveryState.DELIVERED,
    DeliveryState.WITHDRAWN,
)
_WATCH = watch.c.state, watch.c.detail, watch.c.since, watch.c.retry_at


def summary(connection: Connection, troubles: int) -> Summary:
    """How things stand now, with at most so many troubles."""
    about = connection.execute(select(meta)).one()
    return Summary(
        store_id=about.store_id,
        schema_version=about.schema_version,
        messages=_messages_by_state(connection),
        deliveries=_deliveries_by_state(connection),
        relays=waiting_relays(connection),
        mailboxes=_mailboxes(connection),
        troubles=_troubles(connection, troubles),
        delayed=tuple(_delayed(connection, troubles)),
        relay_troubles=tuple(_relay_troubles(connection)),
        undelivered=tuple(_undelivered(connection, troubles)),
        holds=tuple(held(connection)),
        notices=notices(connection),
        waiting=_waiting(connection),
    )


def _messages_by_state(
    connection: Connection,
) -> dict[str, dict[MessageState, int]]:
    query = (
        select(account.c.name, message.c.state, func.count().label("number"))
        .select_from(located_message)
        .group_by(account.c.name, message.c.state)
    )
    counts: dict[str, dict[MessageState, int]] = {}
    for row in connection.execute(query):
        counts.setdefault(row.name, {})[MessageState(row.state)] = row.number
    return counts


def _deliveries_by_state(connection: Connection) -> dict[DeliveryState, int]:
    number = func.count().label("number")
    query = select(delivery.c.state, number).group_by(delivery.c.state)
    return {DeliveryState(row.state): row.number for row in connection.execute(query)}


def _waiting(connection: Connection) -> dict[str, int]:
    """How many messages wait for each rule, by its name."""
    query = (
        select(message.c.waits_for, func.count().label("number"))
        .where(message.c.state == MessageState.SEEN, message.c.waits_for != "")
        .group_by(message.c.waits_for)
        .order_by(message.c.waits_for)
    )
    return {row.waits_for: row.number for row in connection.execute(query)}


def _mailboxes(connection: Connection) -> tuple[MailboxReport, ...]:
    query = (
        select(mailbox, account.c.name.label("account"), *_WATCH)
        .select_from(mailbox.join(account).outerjoin(watch))
        .order_by(account.c.name, mailbox.c.name)
    )
    return tuple(
        MailboxReport(row.account, row.name, _cursor(row), _watch(row))
        for row in connection.execute(query)
    )


def _cursor(row: Row[Any]) -> Cursor | None:
    if row.uidvalidity is None:
        return None
    return Cursor(row.uidvalidity, row.uid, row.checked)


def _watch(row: Row[Any]) -> WatchReport | None:
    if row.state is None:
        return None
    names = row.account, row.name
    return WatchReport(*names, row.state, row.detail, row.since, row.retry_at)


def _relay_troubles(connection: Connection) -> Iterator[RelayReport]:
    query = select(relay).where(relay.c.error != "").order_by(relay.c.name)
    for row in connection.execute(query):
        yield RelayReport(row.name, row.error, row.retry_at)


def _undelivered(connection: Connection, limit: int) -> Iterator[Undelivered]:
    """The latest deliveries of which the last that was heard was not good."""
    query: Select[Any] = (
        select(delivery, outgoing.c.relay)
        .join(outgoing)
        .where(delivery.c.state.not_in(_WELL))
        .order_by(delivery.c.updated.desc())
        .limit(limit)
    )
    for row in connection.execute(query):
        said = f"{row.code} {row.reply}" if row.code else row.reply
        state = DeliveryState(row.state)
        yield Undelivered(row.relay, row.recipient, state, said, row.next_attempt)


def _troubles(connection: Connection, limit: int) -> tuple[Trouble, ...]:
    found = [*_stuck(connection, limit), *_undone(connection, limit)]
    newest_first = sorted(found, key=lambda each: each.updated, reverse=True)
    return tuple(newest_first[:limit])


def _stuck(connection: Connection, limit: int) -> Iterator[Trouble]:
    """Messages that could not be decided, but for those that wait for a rule."""
    undecided = and_(
        message.c.state == MessageState.SEEN,
        message.c.reason != "",
        message.c.waits_for == "",
    )
    query: Select[Any] = (
        select(*_KEY, message.c.state, message.c.reason, message.c.updated)
        .select_from(located_message)
        .where(or_(message.c.state == MessageState.QUARANTINED, undecided))
        .order_by(message.c.updated.desc())
        .limit(limit)
    )
    for row in connection.execute(query):
        yield _trouble(row, row.reason)


def _undone(connection: Connection, limit: int) -> Iterator[Trouble]:
    """Effects that failed or are held, but for what the owner withdrew."""
    query: Select[Any] = (
        select(effect, *_KEY, can_be_done().label("possible"))
        .select_from(located_message.join(effect, effect.c.message == message.c.id))
        .where(effect.c.state.in_((EffectState.FAILED, EffectState.HELD)))
        .where(effect.c.detail.not_in((WITHDRAWN, KEPT + WITHDRAWN)))
        .order_by(effect.c.updated.desc())
        .limit(limit)
    )
    for row in connection.execute(query):
        found = _trouble(row, row.detail)
        releasable = bool(row.possible) and is_complete(row)
        yield replace(found, rule=row.rule, releasable=releasable)


def _trouble(row: Row[Any], reason: str) -> Trouble:
    return Trouble(_key(row), row.message_id, row.state, reason, row.updated)


def _delayed(connection: Connection, limit: int) -> Iterator[Delayed]:
    """What actions could not carry out the last time, and are to try again."""
    query: Select[Any] = (
        select(effect, *_KEY)
        .select_from(located_message.join(effect, effect.c.message == message.c.id))
        .where(effect.c.kind == EffectKind.PERFORM, effect.c.state.in_(OPEN_EFFECTS))
        .where(effect.c.detail != "")
        .order_by(effect.c.updated.desc())
        .limit(limit)
    )
    for row in connection.execute(query):
        told = tell(decode_effect(row.kind, row.arguments))
        about = row.rule, told, row.detail, row.next_attempt, row.updated
        yield Delayed(_key(row), row.message_id, *about)


def _key(row: Row[Any]) -> MessageKey:
    return MessageKey(row.account, row.mailbox, row.uidvalidity, row.uid)
