"""Redirecting: a message passed on as it is, behind fields that say who did so.

Invariant: the octets that came are never written anew, so that signatures hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from postroom.mail.addresses import Address
from postroom.mail.envelope import Envelope, Outgoing
from postroom.mail.loops import (
    TRACE_FIELD,
    Hop,
    fit_targets,
    names_address,
    why_not_pass_on,
)
from postroom.mail.message import Message
from postroom.mail.messageids import make_message_id
from postroom.mail.owner import Owner
from postroom.mail.travel import why_not_travel
from postroom.mail.writing import CRLF, write_address, write_header

# A line before the first field would become a part of what is put before it.
_BEGINNING = re.compile(rb"[!-9;-~]+[ \t]*:|\r\n|\Z")


def why_not_redirect(message: Message, owner: Owner, to: Sequence[str]) -> str:
    """Why this can't be passed on for the owner to any of these; empty if it can."""
    if names_address(message.header, ("Resent-From",), owner.address):
        return "this account has redirected it before"
    refusal = why_not_pass_on(message, owner, to)
    return refusal or _refuse_octets(message.raw)


def compose_redirect(
    message: Message, to: Sequence[str], owner: Owner, key: str, now: datetime
) -> Outgoing:
    """The message's octets unchanged, behind a block of `Resent-` fields.

    It goes to those of `to` to whom it does not go in a circle. For a message that can
    be redirected: see `why_not_redirect`.
    """
    fit = fit_targets(message.header, owner, to)
    message_id = make_message_id(key, owner.address)
    block = write_header(_resent_fields(fit, owner, message_id, now))
    # A line end that is missing at the very end is no change: a signature counts it
    # in either case (RFC 6376, section 3.4.3).
    end = b"" if message.raw.endswith(CRLF) else CRLF
    envelope = Envelope(owner.address, tuple(fit))
    content = block + message.raw + end
    return Outgoing(owner.relay or owner.account, envelope, content, message_id)


def _resent_fields(
    to: Sequence[str], owner: Owner, message_id: str, now: datetime
) -> list[tuple[str, str]]:
    """One block, before all that was there (RFC 5322, section 3.6.6)."""
    return [
        (TRACE_FIELD, str(Hop.of(owner.address))),
        ("Resent-From", write_address(Address(owner.name, owner.address))),
        ("Resent-To", ", ".join(write_address(Address("", target)) for target in to)),
        ("Resent-Date", format_datetime(now)),
        ("Resent-Message-ID", message_id),
    ]


def _refuse_octets(octets: bytes) -> str:
    if not _BEGINNING.match(octets):
        return "it does not begin with a header field; only forward can wrap it"
    refusal = why_not_travel(octets)
    return f"{refusal}; only forward can wrap it" if refusal else ""
