"""How things stand, for programs: JSON that says the same before the first run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from postroom.commands.status.standing import (
    AccountStanding,
    MailboxStanding,
    Standing,
)
from postroom.ports import Hold
from postroom.store.report import Summary

Data = dict[str, Any]


def as_data(standing: Standing) -> Data:
    """All of it; what only a run can tell is left out before the first."""
    return {
        "running": standing.pid is not None,
        "pid": standing.pid,
        "hold": standing.settings.postroom.hold,
        "accounts": {each.name: _account(each) for each in standing.accounts},
        "held_rules": [_rule(hold, standing) for hold in standing.rule_holds],
        **(_summary(standing.summary) if standing.summary else {}),
    }


def _account(account: AccountStanding) -> Data:
    return {
        "paused": _hold(account.hold) if account.hold else None,
        "messages": dict(account.messages),
        "mailboxes": {each.name: _mailbox(each) for each in account.mailboxes},
    }


def _mailbox(mailbox: MailboxStanding) -> Data:
    return {
        "state": mailbox.state,
        "detail": mailbox.detail,
        "checked": _time(mailbox.checked),
        "retry_at": _time(mailbox.retry_at),
    }


def _rule(hold: Hold, standing: Standing) -> Data:
    waiting = standing.summary.waiting if standing.summary else {}
    return {"name": hold.name, **_hold(hold), "waiting": waiting.get(hold.name, 0)}


def _hold(hold: Hold) -> Data:
    return {"reason": hold.reason, "since": _time(hold.since)}


def _summary(summary: Summary) -> Data:
    return {
        "store": {"id": summary.store_id, "schema": summary.schema_version},
        "outbox": dict(summary.deliveries),
        "relays": dict(summary.relays),
        "relay_troubles": {each.name: each.error for each in summary.relay_troubles},
        "undelivered": [
            {
                "recipient": each.recipient,
                "relay": each.relay,
                "state": each.state,
                "reply": each.reply,
                "next_attempt": _time(each.next_attempt),
            }
            for each in summary.undelivered
        ],
        "notices": {each.name: each.text for each in summary.notices},
        "troubles": [str(each) for each in summary.troubles],
        "delayed": [
            {
                "account": each.message.account,
                "mailbox": each.message.mailbox,
                "uid": each.message.uid,
                "rule": each.rule,
                "effect": each.told,
                "reason": each.reason,
                "next_attempt": _time(each.next_attempt),
            }
            for each in summary.delayed
        ],
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
