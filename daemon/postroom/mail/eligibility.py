"""Whether a message may be answered by itself (RFC 3834), and to whom.

Invariant: a field can only be a reason more against an answer, but for the two that
have to be there, Return-Path and the owner's address among the recipients.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from postroom.mail.addresses import without_tag
from postroom.mail.header import Header
from postroom.mail.loops import TRACE_FIELD
from postroom.mail.message import Message
from postroom.mail.messageids import is_made_here
from postroom.mail.owner import Owner
from postroom.mail.parameters import read_parameters
from postroom.mail.returnpath import is_forgeable, read_return_path

MOST_AGE = timedelta(days=1)
_RECIPIENTS = ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc")
# Return-Paths that a server has rewritten: SRS for what it forwarded, BATV (`prvs`)
# and the like.
_REWRITTEN = re.compile(r"srs[01][-+=]|(?:prvs|btv1|msprvs1)=|.*\+caf_=", re.IGNORECASE)
_VERDICTS = {
    "X-Spam-Flag": re.compile("yes", re.IGNORECASE),
    "X-Spam-Status": re.compile("yes", re.IGNORECASE),
    "X-Spam": re.compile("yes", re.IGNORECASE),
    "X-MS-Exchange-Organization-SCL": re.compile("[5-9]"),
    "X-Virus-Status": re.compile("yes|infected", re.IGNORECASE),
}
_JUNK = re.compile(r"(?:.*[/.])?(?:junk|spam)(?:[ -]e-?mail)?\Z", re.IGNORECASE)


def why_not_reply(message: Message, owner: Owner, now: datetime) -> str:
    """Why no answer may be sent to this for the owner; empty if one may be."""
    return next(filter(None, _refuse(message, owner, now)), "")


def reply_address(message: Message) -> str:
    """Who gets an answer, as one for all the sub-addresses; empty if there is nobody.

    Else `ann+1@`, `ann+2@` and so on would make it many answers.
    """
    return without_tag(read_return_path(message.header))


def _refuse(message: Message, owner: Owner, now: datetime) -> Iterator[str]:
    header = message.header
    yield message.automatic
    yield _refuse_sender(header, owner)
    yield _refuse_recipients(header, owner)
    yield _refuse_author(header)
    yield _refuse_own_mail(message)
    yield _refuse_junk(message)
    yield _refuse_invitation(header)
    yield _refuse_late(message, now)
    yield _refuse_cut(message)


def _refuse_sender(header: Header, owner: Owner) -> str:
    """An answer goes to the Return-Path and nowhere else (RFC 3834, section 4)."""
    if not header.has("Return-Path"):
        return "it has no Return-Path, the only field that says where to answer"
    if is_forgeable(header):
        return "its Return-Path is below a Received field: its sender may have put it"
    sender = read_return_path(header)
    if not sender:
        return "its Return-Path is not one address"
    if owner.gets(sender):
        return "it comes from the owner"
    if _REWRITTEN.match(sender):
        return f"a server has rewritten its Return-Path, {sender}"
    return ""


def _refuse_recipients(header: Header, owner: Owner) -> str:
    """Mail that does not name the owner may be a list's (RFC 3834, section 2)."""
    named = (address for name in _RECIPIENTS for address in header.addresses(name))
    if any(owner.owns(recipient.address) for recipient in named):
        return ""
    return f"none of the owner's addresses, such as {owner.address}, is a recipient"


def _refuse_author(header: Header) -> str:
    one = len(header.all("From")) == len(header.addresses("From")) == 1
    return "" if one else "it has no author, or several"


def _refuse_own_mail(message: Message) -> str:
    if message.header.has(TRACE_FIELD) or is_made_here(message.message_id):
        return "a postroom has sent it"
    return ""


def _refuse_junk(message: Message) -> str:
    for name, verdict in _VERDICTS.items():
        if any(verdict.match(field.raw_text) for field in message.header.all(name)):
            return f"it was found to be junk: see {name}"
    junk = _JUNK.match(message.key.mailbox)
    return f"it is in {message.key.mailbox}" if junk else ""


def _refuse_invitation(header: Header) -> str:
    """An invitation asks for an answer that a calendar can read."""
    types = [field.raw_text for field in header.all("Content-Type")]
    methods = any("method" in read_parameters(value) for value in types)
    invites = methods and "text/calendar" in header.media_types
    return "it is an invitation for a calendar" if invites else ""


def _refuse_late(message: Message, now: datetime) -> str:
    late = now - message.received > MOST_AGE
    return f"it came more than a day ago, at {message.received}" if late else ""


def _refuse_cut(message: Message) -> str:
    """A reason may stand in the fields that were not read."""
    unread = message.excerpt or message.header.cut
    return "its header is too long to be read whole" if unread else ""
