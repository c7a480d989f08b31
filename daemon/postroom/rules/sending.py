"""From what an action wants sent to what is sent, or to the reason why it is not."""

from __future__ import annotations

from datetime import datetime

from postroom.mail.eligibility import reply_address, why_not_reply
from postroom.mail.forward import compose_forward
from postroom.mail.loops import why_not_pass_on
from postroom.mail.message import Message
from postroom.mail.owner import Owner
from postroom.mail.redirect import compose_redirect, why_not_redirect
from postroom.mail.reply import compose_reply
from postroom.rules.effects import Send, Window
from postroom.rules.intents import Forward, Intent, Redirect, Reply


def why_not_send(wanted: Intent, message: Message, owner: Owner, now: datetime) -> str:
    """Why this must not be sent; empty if it may be."""
    match wanted:
        case Forward(to):
            return why_not_pass_on(message, owner, to)
        case Redirect(to):
            return why_not_redirect(message, owner, to)
        case Reply():
            return why_not_reply(message, owner, now)


def compose(
    wanted: Intent, message: Message, owner: Owner, rule: str, key: str, now: datetime
) -> Send:
    """What is sent for it; `key` and `now` are all that a retry could differ in."""
    match wanted:
        case Forward(to):
            return Send(compose_forward(message, to, owner, key, now))
        case Redirect(to):
            return Send(compose_redirect(message, to, owner, key, now))
        case Reply(text, subject, period, handle):
            outgoing = compose_reply(message, text, subject, owner, key, now)
            window = Window(handle or rule, reply_address(message), period)
            return Send(outgoing, window)
