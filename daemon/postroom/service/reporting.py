"""What is told of a message when it was decided: one line of the log, one event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postroom.log import get_logger
from postroom.ports import Decision, NotSent
from postroom.service.events import MessageFailed, MessageHandled, Observer

log = get_logger()


def report(decision: Decision, milliseconds: float, observer: Observer) -> None:
    """Tell of a decision that was committed, or that is to be made later."""
    message, plan = decision.message, decision.plan
    if message.content is not None:
        # The bodies are in the store, or not needed any more: let go of them.
        message = replace(message, content=None)
    key = message.key
    event = log.bind(
        account=key.account,
        mailbox=key.mailbox,
        uid=key.uid,
        message_id=message.message_id,
        ms=milliseconds,
    )
    if plan is None:
        failed = event.info if decision.waits_for else event.warning
        failed("message_undecided", reason=decision.failure)
        observer(MessageFailed(message, decision.failure))
    else:
        done = [told for entry in plan.trace for told in entry.effects]
        undone = {"undone": list(plan.undone)} if plan.undone else {}
        matched = list(plan.matched)
        event.info("message_handled", matched=matched, effects=done, **undone)
        observer(MessageHandled(message, plan))


def report_unsent(unsent: Iterable[NotSent]) -> None:
    """Tell of each answer that is not sent, since its sender was answered before."""
    for each in unsent:
        key = each.key
        place = {"account": key.account, "mailbox": key.mailbox, "uid": key.uid}
        log.info("reply_not_sent", **place, rule=each.rule, detail=each.detail)
