"""`status --monitor`: one line, numbers, and an exit code, as monitoring plugins want:
https://www.monitoring-plugins.org/doc/guidelines.html (Plugin Output, Return Codes)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import IntEnum
from pathlib import Path

from postroom.commands.status.standing import Standing, look
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
    watched = counts(standing)["mailboxes"]
    return Verdict.OK, f"{watched} mailboxes watched"


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
    }


def _critical(standing: Standing) -> Iterator[str]:
    if standing.pid is None:
        yield "no daemon runs"
    for account in standing.accounts:
        for mailbox in account.mailboxes:
            since = mailbox.failing_since
            if since and standing.now - since > _PATIENCE:
                place = f"{account.name}/{mailbox.name}"
                for_long = span(standing.now, since)
                yield f"{place} {mailbox.state} for {for_long}: {mailbox.detail}"


def _doubtful(standing: Standing) -> Iterator[str]:
    if standing.settings.postroom.hold:
        yield "hold = true: nothing goes out"
    for account in standing.accounts:
        if account.hold:
            yield f"account {account.name} is paused: {account.hold.reason}"
        for mailbox in account.mailboxes:
            if mailbox.failing_since and not mailbox.checked:
                yield f"{account.name}/{mailbox.name} was never read: {mailbox.detail}"
    for hold in standing.rule_holds:
        yield f"rule {hold.name!r} is held: {hold.reason}"
    if standing.summary:
        yield from (f"{each.name}: {each.text}" for each in standing.summary.notices)
    numbers = counts(standing)
    for name in ("quarantined", "unsent", "troubles"):
        if numbers[name]:
            yield f"{numbers[name]} {name}"


def _line(verdict: Verdict, told: str) -> str:
    # A bar begins the numbers, and a line is one line.
    text = " ".join(printable(told).split()).replace("|", "/")
    return f"POSTROOM {verdict.name} - {text}"
