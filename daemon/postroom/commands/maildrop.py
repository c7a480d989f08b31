"""What a POP3 server and the Maildir beside it can do, in words, and what does not fit.

What a server says of itself stands in its capabilities (RFC 2449), a line for each.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from postroom.config.settings import AccountTable
from postroom.ports import AccountReport
from postroom.rules.options import show_duration
from postroom.rules.schedule import Schedule


def show_poll(poll: timedelta | Schedule) -> str:
    """How often is looked, in words."""
    if isinstance(poll, timedelta):
        return f"every {show_duration(poll)}"
    return f"by cron {poll.cron!r}"


def describe_maildrop(
    table: AccountTable, report: AccountReport | None, maildir: Path | None
) -> tuple[list[tuple[str, str]], list[str]]:
    """Facts under headings, and what to look at: of the server, if it told of itself,
    and of the Maildir."""
    can = _arguments(report.capabilities) if report else {}
    facts = [*_facts(table, can)] if report else []
    remarks = [*_remark_on_logins(table, can), *_remark_on_expiry(table, can)]
    if maildir is not None and (why := why_not_writable(maildir)):
        remarks.append(f"maildir: {why}")
    return facts, remarks


def _facts(table: AccountTable, can: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "new mail", f"is looked for {show_poll(table.poll)}"
    if not can:
        yield "abilities", "are not told (no CAPA): they are tried"
        return
    if delay := _seconds(can, "LOGIN-DELAY"):
        wanted = show_duration(timedelta(seconds=delay))
        yield "logins", f"at least {wanted} apart (LOGIN-DELAY)"
    if "UIDL" in can:
        yield "what is kept", "is told from what is new by its name (UIDL)"
    else:
        told = "is told from what is new by its content: each look retrieves all of it"
        yield "what is kept", f"{told} (no UIDL)"
    if "PIPELINING" in can:
        yield "retrieving", "many messages at once (PIPELINING)"
    else:
        yield "retrieving", "one message, one round trip (no PIPELINING)"
    if table.maildir is False:
        alone = "are retrieved alone, where they are enough (TOP)"
        yield "headers", alone if "TOP" in can else "come with all the rest (no TOP)"


def _remark_on_logins(table: AccountTable, can: Mapping[str, str]) -> Iterator[str]:
    delay = timedelta(seconds=_seconds(can, "LOGIN-DELAY"))
    if isinstance(table.poll, timedelta) and delay > table.poll:
        yield (
            f"poll: the server wants {show_duration(delay)} between two logins "
            f"(LOGIN-DELAY), and may refuse those of every {show_duration(table.poll)}"
        )


def _remark_on_expiry(table: AccountTable, can: Mapping[str, str]) -> Iterator[str]:
    """RFC 2449, section 6.7: the days for which a server keeps what was retrieved; 0
    for none."""
    days = can.get("EXPIRE", "").partition(" ")[0]
    if table.keep is False or not days.isdecimal():
        return
    kept = timedelta(days=int(days))
    if not kept:
        yield "keep: the server removes what was retrieved all the same (EXPIRE 0)"
    elif table.keep is True or kept < table.keep:
        yield f"keep: the server removes mail after {show_duration(kept)} (EXPIRE)"


def why_not_writable(maildir: Path) -> str:
    """Why whoever asks can't write a Maildir; empty if that can be done."""
    # What is absent is made, with the folders that lead to it.
    there = next(each for each in (maildir, *maildir.parents) if os.path.lexists(each))
    if not there.is_dir():
        return f"{there} is no folder"
    if os.access(there, os.W_OK | os.X_OK):
        return ""
    made = "" if there == maildir else f", where {maildir} would be made"
    return f"{there} may not be written by {_user()}{made}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"user {os.getuid()}"


def _arguments(capabilities: Iterable[str]) -> Mapping[str, str]:
    """What follows the name of each capability; names have no case."""
    lines = (line.partition(" ") for line in capabilities)
    return {name.upper(): rest.strip() for name, _, rest in lines}


def _seconds(can: Mapping[str, str], name: str) -> int:
    """The number of a capability, which may be followed by USER; 0 without one."""
    number = can.get(name, "").partition(" ")[0]
    return int(number) if number.isdecimal() else 0
