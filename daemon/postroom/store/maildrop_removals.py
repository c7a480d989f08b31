"""Which messages of a maildrop it may be rid of.

Invariant: what may be removed is durable here, all that was planned for it is done, and
it has been here for as long as it is to be kept there, by the wall clock and by what
was counted of the uptime.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select

from postroom.ports import EffectState, MessageState
from postroom.store.maildrop_items import mark
from postroom.store.maildrops import Drop, Moment, find, meet, microseconds
from postroom.store.schema import effect, mailbox, maildrop, maildrop_item, message

# Where what a maildrop held is filed when it comes, whatever becomes of it then.
_INBOX = "INBOX"


def removable(
    connection: Connection, account_name: str, keep: timedelta, moment: Moment
) -> frozenset[int]:
    """The UIDs of those that may be removed from the server now."""
    drop = find(connection, account_name)
    if drop is None:
        return frozenset()
    query = handled(maildrop_item.c.uid).where(
        maildrop.c.uidvalidity == drop.uidvalidity, *_was_kept(drop, keep, moment)
    )
    return frozenset(connection.execute(query).scalars())


def note_removed(
    connection: Connection, account_name: str, uids: Collection[int], moment: Moment
) -> None:
    """Note that the server has confirmed the removal of these."""
    drop = meet(connection, account_name, moment)
    mark(connection, drop.uidvalidity, uids, removed=moment.now, asked=None)


def note_asked(
    connection: Connection, account_name: str, uids: Collection[int], moment: Moment
) -> None:
    """Note that the server is asked now to remove these."""
    drop = meet(connection, account_name, moment)
    mark(connection, drop.uidvalidity, uids, asked=moment.now)


def handled(*columns: ColumnElement[Any]) -> Select[Any]:
    """Of the messages of maildrops, those that are there still and are wanted there by
    nobody, but for their owner."""
    is_filed = and_(
        mailbox.c.account_id == maildrop.c.account_id, mailbox.c.name == _INBOX
    )
    is_it = and_(
        message.c.mailbox_id == mailbox.c.id,
        message.c.uidvalidity == maildrop_item.c.uidvalidity,
        message.c.uid == maildrop_item.c.uid,
    )
    return (
        select(*columns)
        .select_from(maildrop_item)
        .join(maildrop)
        .join(mailbox, is_filed)
        .join(message, is_it)
        .where(maildrop.c.void.is_(False), _is_stored_and_there())
        .where(message.c.state == MessageState.ACKNOWLEDGED, ~_is_undone())
    )


def _is_stored_and_there() -> ColumnElement[bool]:
    return and_(
        maildrop_item.c.stored.is_not(None),
        maildrop_item.c.removed.is_(None),
        maildrop_item.c.vanished.is_(None),
        maildrop_item.c.sought.is_(False),
    )


def _is_undone() -> ColumnElement[bool]:
    """True of a message of which something is not done any more: a delivery may be
    bounced after all were."""
    return exists().where(
        effect.c.message == message.c.id, effect.c.state != EffectState.DONE
    )


def _was_kept(
    drop: Drop, keep: timedelta, moment: Moment
) -> Iterator[ColumnElement[bool]]:
    """True of those that have been here for so long; of all if that is no time."""
    if keep > timedelta(0):
        counted = drop.counted_until(moment) - microseconds(keep)
        yield maildrop_item.c.stored <= moment.now - keep
        yield maildrop_item.c.counted <= counted
