"""Accounts, mailboxes, and how far each has been read.

Invariant: within one UIDVALIDITY a commit moves a cursor forward only.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from postroom.mail.names import canonical
from postroom.ports import Cursor, RelayReport, WatchReport
from postroom.store.schema import account, mailbox, relay, watch


def account_id(connection: Connection, name: str) -> int:
    """The account's stable number, given when it is first met."""
    query = select(account.c.id).where(account.c.name == name)
    found: int | None = connection.execute(query).scalar()
    if found is None:
        made = insert(account).values(name=name).returning(account.c.id)
        found = connection.execute(made).scalar_one()
    return found


def mailbox_id(connection: Connection, account_name: str, name: str) -> int:
    """The mailbox's stable number, given when it is first met."""
    owner = account_id(connection, account_name)
    query = select(mailbox.c.id).where(
        mailbox.c.account_id == owner, mailbox.c.name == canonical(name)
    )
    found: int | None = connection.execute(query).scalar()
    if found is None:
        row = insert(mailbox).values(account_id=owner, name=canonical(name))
        found = connection.execute(row.returning(mailbox.c.id)).scalar_one()
    return found


def read_cursor(
    connection: Connection, account_name: str, mailbox_name: str
) -> Cursor | None:
    """How far the mailbox has been read; None if never."""
    row = connection.execute(
        select(mailbox.c.uidvalidity, mailbox.c.uid, mailbox.c.checked)
        .join(account)
        .where(
            account.c.name == account_name, mailbox.c.name == canonical(mailbox_name)
        )
        .where(mailbox.c.uidvalidity.is_not(None))
    ).one_or_none()
    return row and Cursor(row.uidvalidity, row.uid, row.checked)


def set_cursor(
    connection: Connection, account_name: str, mailbox_name: str, cursor: Cursor
) -> None:
    """Put the cursor there, wherever it was."""
    _write(connection, mailbox_id(connection, account_name, mailbox_name), cursor)


def advance_cursor(
    connection: Connection, account_name: str, mailbox_name: str, cursor: Cursor
) -> None:
    """Move the cursor forward; one that is behind only renews the time."""
    before = read_cursor(connection, account_name, mailbox_name)
    if before and before.uidvalidity == cursor.uidvalidity and before.uid > cursor.uid:
        cursor = Cursor(before.uidvalidity, before.uid, cursor.checked)
    set_cursor(connection, account_name, mailbox_name, cursor)


def touch(
    connection: Connection, account_name: str, mailbox_name: str, checked: datetime
) -> None:
    """Note when the mailbox was looked at last."""
    row = mailbox_id(connection, account_name, mailbox_name)
    connection.execute(
        update(mailbox).where(mailbox.c.id == row).values(checked=checked)
    )


def report_watch(connection: Connection, report: WatchReport) -> None:
    """Keep this as the last report of its mailbox."""
    row = mailbox_id(connection, report.account, report.mailbox)
    connection.execute(delete(watch).where(watch.c.mailbox_id == row))
    told = {
        "mailbox_id": row,
        "state": report.state,
        "detail": report.detail,
        "since": report.since,
        "retry_at": report.retry_at,
    }
    connection.execute(insert(watch), told)


def report_relay(connection: Connection, report: RelayReport) -> None:
    """Keep this as the last report of its relay."""
    connection.execute(delete(relay).where(relay.c.name == report.name))
    told = {"name": report.name, "error": report.error, "retry_at": report.retry_at}
    connection.execute(insert(relay), told)


def _write(connection: Connection, row: int, cursor: Cursor) -> None:
    connection.execute(
        update(mailbox)
        .where(mailbox.c.id == row)
        .values(uidvalidity=cursor.uidvalidity, uid=cursor.uid, checked=cursor.checked)
    )
