"""Mail that goes round in circles: postroom's trace of what it sent, and the guard."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.mail.header import Header
from postroom.mail.message import Message
from postroom.mail.messageids import answers_what_was_made_here
from postroom.mail.owner import Owner

TRACE_FIELD = "X-Postroom-Trace"
MOST_HOPS = 5
# Postfix gives up at 50 (hopcount_limit); RFC 5321, section 6.3 asks servers for 100.
MOST_RECEIVED = 50

# Where servers and programs note to whom a message has been before.
_BEEN_TO = ("Delivered-To", "X-Loop", "X-Sieve-Redirected-From", "X-Forwarded-To")
_RESENT_TO = ("Resent-To", "Resent-Cc")
_AUTHORS = ("Return-Path", "From")
_HOP = re.compile(r"v1; a=([0-9a-f]{16})\Z")


@dataclass(frozen=True)
class Hop:
    """One sending by a postroom: which account's, by a digest of its address."""

    account: str

    @classmethod
    def of(cls, address: str) -> Hop:
        """The hop of the account with this address."""
        return cls(hashlib.sha256(address.lower().encode()).hexdigest()[:16])

    def __str__(self) -> str:
        return f"v1; a={self.account}"


def read_hops(header: Header) -> tuple[Hop, ...]:
    """The hops that the trace fields of a message tell of."""
    values = (_HOP.match(entry.raw_text) for entry in header.all(TRACE_FIELD))
    return tuple(Hop(match[1]) for match in values if match)


def trace_fields(header: Header, address: str) -> list[tuple[str, str]]:
    """The trace for a new message about this one, for the owner of `address`."""
    hops = (*read_hops(header), Hop.of(address))
    return [(TRACE_FIELD, str(hop)) for hop in hops]


def why_not_pass_on(message: Message, owner: Owner, to: Sequence[str]) -> str:
    """Why this must not go on from the owner to any of these; empty if it may."""
    refusal = _refuse_circle(message, owner.address) or _refuse_answer(message)
    if refusal or fit_targets(message.header, owner, to):
        return refusal
    refusals = (_refuse_target(message.header, owner, target) for target in to)
    return next(refusals, "there is nobody whom it could go to")


def fit_targets(header: Header, owner: Owner, to: Sequence[str]) -> tuple[str, ...]:
    """Those of `to` from whom it does not come back, each once, in any case."""
    once: dict[str, str] = {}
    for target in to:
        once.setdefault(target.lower(), target)
    fit = (one for one in once.values() if not _refuse_target(header, owner, one))
    return tuple(fit)


def names_address(header: Header, fields: Sequence[str], address: str) -> bool:
    """True if one of these fields holds the address, in any case."""
    held = (holder.address for name in fields for holder in header.addresses(name))
    return address.lower() in map(str.lower, held)


def _refuse_circle(message: Message, address: str) -> str:
    hops = read_hops(message.header)
    if Hop.of(address) in hops:
        return "this account has forwarded it before"
    if len(hops) >= MOST_HOPS:
        return f"it was forwarded {len(hops)} times"
    if len(message.header.all("Received")) > MOST_RECEIVED:
        return f"it has more than {MOST_RECEIVED} Received fields"
    # A bounce that is sent to where it bounces from comes back for ever.
    return "it is a bounce" if message.is_bounce else ""


def _refuse_answer(message: Message) -> str:
    """A machine that answers what it was sent answers its own answer as well."""
    if message.automatic and answers_what_was_made_here(message.header):
        return f"a machine answers with it what a postroom sent: {message.automatic}"
    return ""


def _refuse_target(header: Header, owner: Owner, target: str) -> str:
    """Why it must not go to this address, from where it would come back."""
    if owner.gets(target):
        return f"{target} is the owner's own address"
    if names_address(header, _AUTHORS, target):
        return f"it comes from {target}"
    if names_address(header, _BEEN_TO, target):
        return f"it has been delivered to {target} before"
    if names_address(header, _RESENT_TO, target):
        return f"it has been redirected to {target} before"
    return ""
