"""`status --monitor`: one line, numbers, and an exit code, as monitoring plugins want:
https://www.monitoring-plugins.org/doc/guidelines.html (Plugin Output, Return Codes)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import IntEnum
from pathlib import Path

from postroom.commands.status.standing import (
    REFUSED,
    MailboxStanding,
    Standing,
    look,
)
from postroom.commands.status.words import span
from postroom.errors import PostroomError
from postroom.log import printable
from postroom.ports import DeliveryState, MessageState

_PATIENCE = timedelta(minutes=15)
_UNSENT = (
    DeliveryState.FAILED,
    DeliveryState.HELD,
    DeliveryState.UNKNOWN,
    DeliveryState.BOUNCED,
)


class Verdict(IntEnum):
    """How it is, as the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def main(config: Path | None) -> int:
    """Print the line; the exit code is the verdict."""
    try:
        standing = look(config)
    except PostroomError as error:
        print(_line(Verdict.UNKNOWN, str(error)))
        return Verdict.UNKNOWN
    verdict, told = judge(standing)
    numbers = " ".join(f"{name}={count}" for name, count in counts(standing).items())
    print(f"{_line(verdict, told)}|{numbers}")
    return verdict


def judge(standing: Standing) -> tuple[Verdict, str]:
    """The verdict, and what it is for."""
    if critical := list(_critical(standing)):
        return Verdict.CRITICAL, "; ".join([*critical, *_doubtful(standing)])
    if doubtful := list(_doubtful(standing)):
        return Verdict.WARNING, "; ".join(doubtful)
    return Verdict.OK, f"{_tell_watched(counts(standing)['mailboxes'])} watched"


def counts(standing: Standing) -> dict[str, int]:
    """What there is of what, by names that stay."""
    accounts, summary = standing.accounts, standing.summary
    mailboxes = [mailbox for each in accounts for mailbox in each.mailboxes]
    deliveries = summary.deliveries if summary else {}
    return {
        "accounts": len(accounts),
        "mailboxes": len(mailboxes),
        "failing": sum(each.failing_since is not None for each in mailboxes),
        "paused": sum(each.hold is not None for each in accounts),
        "held_rules": len(standing.rule_holds),
        "waiting": sum(summary.waiting.values()) if summary else 0,
        "quarantined": sum(
            each.messages.get(MessageState.QUARANTINED, 0) for each in accounts
        ),
        "queued": deliveries.get(DeliveryState.QUEUED, 0),
        "delayed": deliveries.get(DeliveryState.DELAYED, 0),
        "unsent": sum(deliveries.get(state, 0) for state in _UNSENT),
        "troubles": len(summary.troubles) if summary else 0,
        "unperformed": len(summary.delayed) if summary else 0,
    }


def _tell_watched(count: int) -> str:
    return "1 mailbox" if count == 1 else f"{count} mailboxes"


def _critical(standing: Standing) -> Iterator[str]:
    if standing.pid is None:
        yield "no daemon runs"
    yield from _failing(standing, critical=True)


def _failing(standing: Standing, critical: bool) -> Iterator[str]:
    """The mailboxes that fail and are critical, or those that are not yet."""
    for account in standing.accounts:
        for mailbox in account.mailboxes:
            since = mailbox.failing_since
            if since and _is_critical(mailbox, standing.now - since) is critical:
                place = f"{account.name}/{mailbox.name}"
                for_long = span(standing.now, since)
                yield f"{place} {mailbox.state} for {for_long}: {mailbox.detail}"


def _is_critical(mailbox: MailboxStanding, failing_for: timedelta) -> bool:
    # What is refused does not mend itself.
    return mailbox.state == REFUSED or failing_for > _PATIENCE


def _doubtful(standing: Standing) -> Iterator[str]:
    if standing.settings.postroom.hold:
        yield "hold = true: nothing goes out"
    yield from _failing(standing, critical=False)
    for account in standing.accounts:
        if account.hold:
            yield f"account {account.name} is paused: {account.hold.reason}"
    for hold in standing.rule_holds:
        yield f"rule {hold.name!r} is held: {hold.reason}"
    if standing.summary:
        yield from (f"{each.name}: {each.text}" for each in standing.summary.notices)
    numbers = counts(standing)
    for name in ("quarantined", "unsent", "troubles", "unperformed"):
        if numbers[name]:
            yield f"{numbers[name]} {name}"


def _line(verdict: Verdict, told: str) -> str:
    # A bar begins the numbers, and a line is one line.
    text = " ".join(printable(told).split()).replace("|", "/")
    return f"POSTROOM {verdict.name} - {text}"
