"""What a POP3 server can do, in words, and what does not fit.

What a server says of itself stands in its capabilities (RFC 2449), a line for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from postroom.config.settings import AccountTable
from postroom.ports import AccountReport
from postroom.rules.options import show_duration
from postroom.rules.schedule import Schedule
from postroom.transport.pop3.capabilities import Capabilities


def show_poll(poll: timedelta | Schedule) -> str:
    """How often is looked, in words."""
    if isinstance(poll, timedelta):
        return f"every {show_duration(poll)}"
    return f"by cron {poll.cron!r}"


def describe_maildrop(
    table: AccountTable, report: AccountReport | None
) -> tuple[list[tuple[str, str]], list[str]]:
    """Facts under headings, and what to look at, if the server told of itself."""
    if report is None:
        return [], []
    can = Capabilities.told("\r\n".join(report.capabilities).encode())
    remarks = [*_remark_on_logins(table, can), *_remark_on_expiry(table, can)]
    return [*_facts(table, can)], remarks


def _facts(table: AccountTable, can: Capabilities) -> Iterator[tuple[str, str]]:
    yield "new mail", f"is looked for {show_poll(table.poll)}"
    if not can.names:
        yield "abilities", "are not told (no CAPA): they are tried"
        return
    if can.login_delay:
        wanted = show_duration(timedelta(seconds=can.login_delay))
        yield "logins", f"at least {wanted} apart (LOGIN-DELAY)"
    if can.uidl:
        yield "what is kept", "is told from what is new by its name (UIDL)"
    else:
        told = "is told from what is new by its content: each look retrieves all of it"
        yield "what is kept", f"{told} (no UIDL)"
    if can.pipelining:
        yield "retrieving", "many messages at once (PIPELINING)"
    else:
        yield "retrieving", "one message, one round trip (no PIPELINING)"
    if table.maildir is False:
        alone = "are retrieved alone, where they are enough (TOP)"
        yield "headers", alone if can.top else "come with all the rest (no TOP)"


def _remark_on_logins(table: AccountTable, can: Capabilities) -> Iterator[str]:
    delay = timedelta(seconds=can.login_delay)
    if isinstance(table.poll, timedelta) and delay > table.poll:
        yield (
            f"poll: the server wants {show_duration(delay)} between two logins "
            f"(LOGIN-DELAY), and may refuse those of every {show_duration(table.poll)}"
        )


def _remark_on_expiry(table: AccountTable, can: Capabilities) -> Iterator[str]:
    """RFC 2449, section 6.7: the days for which a server keeps what was retrieved; 0
    for none."""
    if table.keep is False or can.expire is None:
        return
    kept = timedelta(days=can.expire)
    if not kept:
        yield "keep: the server removes what was retrieved all the same (EXPIRE 0)"
    elif table.keep is True or kept < table.keep:
        yield f"keep: the server removes mail after {show_duration(kept)} (EXPIRE)"
