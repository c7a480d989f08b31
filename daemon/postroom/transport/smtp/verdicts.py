"""What a refusal for good is about, where more can be said of it than its words.

Invariant: what no provider documents as a limit of the day, or as a refusal of the
sender, is passed on as it was said.
"""

from __future__ import annotations

import re

from postroom.mail.envelope import Outgoing
from postroom.mail.header import Header
from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp.wire import Reply

_STATES = {
    2: DeliveryState.DELIVERED,
    4: DeliveryState.DELAYED,
    5: DeliveryState.FAILED,
}
# RFC 2034, section 4: the enhanced status code begins the text.
_ENHANCED = re.compile(r"5\.\d{1,3}\.\d{1,3}(?!\S)")

# Gmail and Google Workspace (5.4.5); Exchange Online for a user (5.1.90) and for all of
# an organisation (5.7.232, 5.7.233). All of them count the last 24 hours.
_LIMITS = {"5.4.5", "5.1.90", "5.7.232", "5.7.233"}
# Exchange Online says the first, the Workspace relay said the other; the codes alone
# stand for much else. Behind the beginning of a reply there may be an address, which is
# a stranger's choice.
_LIMITED = re.compile(
    r"5\.2\.0 STOREDRV\.Submission\.Exception:SubmissionQuotaExceeded"
    r"|5\.7\.1 Daily SMTP relay limit exceeded",
    re.IGNORECASE,
)

# Exchange Online, at once and after too many such refusals.
_SENDERS = {"5.7.60", "5.2.252"}
# Exchange, and Postfix, which tells of the sender at RCPT.
_SENDER = re.compile(
    r"5\.2\.0 STOREDRV\.Submission\.Exception:SendAsDenied"
    "|.*(permissions? to send as this sender|Sender address rejected: )",
    re.IGNORECASE,
)
# What answers MAIL and is no matter of size or form (RFC 5321, section 4.3.2).
_AT_MAIL = {550, 553}
_AT_MAIL_ENHANCED = ("5.1.", "5.7.")


def read_reply(
    reply: Reply, outgoing: Outgoing, user: str, *, at_mail: bool = False
) -> Receipt | None:
    """What a final reply means for whom it concerns; None where it is no such reply.

    `user` is who is logged in, if anybody; `at_mail` tells that MAIL was answered.
    """
    state = _STATES.get(reply.kind)
    if state is None:
        return None
    if state is DeliveryState.FAILED and _is_limit(reply):
        return Receipt(DeliveryState.DELAYED, reply.code, reply.text, limit=True)
    if state is DeliveryState.FAILED and _is_of_sender(reply, at_mail):
        text = f"{reply.text}; {_advise(outgoing, user, at_mail)}"
        return Receipt(state, reply.code, text)
    return Receipt(state, reply.code, reply.text)


def _is_limit(reply: Reply) -> bool:
    return _enhanced(reply) in _LIMITS or bool(_LIMITED.match(reply.text))


def _is_of_sender(reply: Reply, at_mail: bool) -> bool:
    code = _enhanced(reply)
    if code in _SENDERS or _SENDER.match(reply.text):
        return True
    refused = code.startswith(_AT_MAIL_ENHANCED) if code else reply.code in _AT_MAIL
    return at_mail and refused


def _enhanced(reply: Reply) -> str:
    found = _ENHANCED.match(reply.text)
    return found[0] if found else ""


def _advise(outgoing: Outgoing, user: str, at_mail: bool) -> str:
    sender = outgoing.envelope.sender or ""
    who = f"user {user!r}" if user else "postroom"
    author = "" if at_mail else _strange_author(outgoing, sender)
    if author:
        return (
            f"the relay does not let {who} send what is from {author!r}: let the rule "
            "`forward` it, which is from the account's own address, or use a relay "
            "that allows it"
        )
    return (
        f"the relay does not let {who} send as {sender!r}: have it allow that address, "
        "or set the account's `address` to one that it allows"
    )


def _strange_author(outgoing: Outgoing, sender: str) -> str:
    """Who has written what was redirected; empty where it is the sender himself."""
    authors = Header.parse(outgoing.content).addresses("From")
    strange = [each.address for each in authors if not _is_same(each.address, sender)]
    return strange[0] if strange else ""


def _is_same(address: str, other: str) -> bool:
    return address.lower() == other.lower()
