"""Windows of time in which one sender is answered once.

Invariant: a window is taken in the transaction that queues its answer, or not at all;
that of an answer that is held, in the one that has it go out. While the wall clock is
doubted, none ends.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, tuple_

from postroom.rules.effects import Window
from postroom.store.notes import is_clock_doubted
from postroom.store.schema import account, reply_window

# Far more than the thousand answers that RFC 5230 asks to be remembered.
KEPT_WINDOWS = 10_000


def take(
    connection: Connection, account_id: int, window: Window | None, now: datetime
) -> str:
    """Take the window, if there is one; or, where it is taken already, why nothing is
    sent."""
    if window is None:
        return ""
    before = taken_since(connection, account_id, window, now)
    if before is None:
        _take(connection, account_id, window, now)
        return ""
    return window.tell_taken(before)


def taken_since(
    connection: Connection, account_id: int, window: Window, now: datetime
) -> datetime | None:
    """When the window was taken, if it still is."""
    query = select(reply_window.c.replied).where(*_is_it(account_id, window))
    before: datetime | None = connection.execute(query).scalar()
    if before and is_clock_doubted(connection):
        return before
    # One that begins later than it could end comes of a clock that was wrong.
    if before and now - window.period < before < now + window.period:
        return before
    return None


def answered(
    connection: Connection, account_name: str, window: Window, now: datetime
) -> datetime | None:
    """When the window of this account was taken, if it still is."""
    query = select(account.c.id).where(account.c.name == account_name)
    number: int | None = connection.execute(query).scalar()
    return taken_since(connection, number, window, now) if number is not None else None


def _is_it(account_id: int, window: Window) -> tuple[ColumnElement[bool], ...]:
    return (
        reply_window.c.account_id == account_id,
        reply_window.c.handle == window.handle,
        reply_window.c.address == window.address.lower(),
    )


def _take(
    connection: Connection, account_id: int, window: Window, now: datetime
) -> None:
    """Take it, and forget the oldest beyond so many."""
    connection.execute(delete(reply_window).where(*_is_it(account_id, window)))
    row = {
        "account_id": account_id,
        "handle": window.handle,
        "address": window.address.lower(),
    }
    connection.execute(insert(reply_window), row | {"replied": now})
    _forget_oldest(connection, account_id)


def _forget_oldest(connection: Connection, account_id: int) -> None:
    of_account = reply_window.c.account_id == account_id
    counted = select(func.count()).select_from(reply_window).where(of_account)
    excess = connection.execute(counted).scalar_one() - KEPT_WINDOWS
    if excess > 0:
        name = reply_window.c.handle, reply_window.c.address
        oldest = select(*name).where(of_account).order_by(reply_window.c.replied)
        is_old = tuple_(*name).in_(oldest.limit(excess))
        connection.execute(delete(reply_window).where(of_account, is_old))
